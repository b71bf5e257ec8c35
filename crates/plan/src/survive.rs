//! What may be lost, counted as placement counts it and said in a sentence.
//!
//! Machines fall into fault domains as evenly as they can. Placement puts at most K rows of a segment into
//! one domain where the domains allow it, and the smallest larger number where they do not; voters are
//! spread the same way. A domain may be lost when it holds at most K rows and at most K of 2K+1 voters.

use isobar_base::limits::PARITY_ROWS_MAX;
use serde::Serialize;

use crate::code::Code;

/// What a cluster survives.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Survival {
    /// Any so many machines at once.
    pub machines: u8,
    /// Machines in the largest fault domain.
    pub domain_machines: u32,
    /// Most rows of one segment in one domain.
    pub domain_rows: u32,
    /// Whether losing any one fault domain loses nothing and stops nothing.
    pub fault_domain: bool,
    /// Codes for the same nodes that would survive a domain, best first; empty when this one does or none
    /// would.
    pub codes_that_would: Vec<Code>,
    /// All of it in a sentence.
    #[serde(rename = "words")]
    pub description: String,
}

/// Sizes of `domains` domains of `nodes` machines: as even as can be.
fn sizes(nodes: u32, domains: u32) -> impl Iterator<Item = u32> {
    (0..domains).map(move |at| nodes / domains + u32::from(at < nodes % domains))
}

/// Most of `wanted` things, each on a machine of its own, that some domain holds.
fn most_in_one(wanted: u32, nodes: u32, domains: u32) -> u32 {
    let fits = |cap: u32| sizes(nodes, domains).map(|size| size.min(cap)).sum::<u32>() >= wanted;
    (0..=wanted).find(|&cap| fits(cap)).unwrap_or(wanted)
}

fn survives_domain(code: Code, nodes: u32, domains: u32) -> bool {
    let parity = u32::from(code.parity_rows());
    nodes >= code.nodes_min()
        && most_in_one(code.rows(), nodes, domains) <= parity
        && most_in_one(code.voters(), nodes, domains) <= parity
}

/// Codes that survive a domain on these nodes: of as many rows with more parity, then with the same
/// parity and fewer rows.
pub fn codes_that_survive_a_domain(code: Code, nodes: u32, domains: u32) -> Vec<Code> {
    let rows = code.rows();
    let parity = code.parity_rows();
    let as_wide = (parity + 1..=PARITY_ROWS_MAX)
        .filter_map(|more| Code::new(u8::try_from(rows).ok()?.checked_sub(more)?, more).ok());
    let narrower = (1..code.data_rows()).rev().filter_map(|data| Code::new(data, parity).ok());
    let fits = |code: &Code| survives_domain(*code, nodes, domains);
    as_wide.filter(fits).take(1).chain(narrower.filter(fits).take(1)).collect()
}

/// What `nodes` machines over `domains` fault domains survive. `domains` of 0 counts as 1.
pub fn survival(code: Code, nodes: u32, domains: u32) -> Survival {
    let domains = domains.max(1);
    let machines = code.parity_rows();
    let domain_machines = nodes.div_ceil(domains);
    let fault_domain = survives_domain(code, nodes, domains);
    let codes = if fault_domain { Vec::new() } else { codes_that_survive_a_domain(code, nodes, domains) };
    let any = match machines {
        1 => "any one VM".to_owned(),
        several => format!("any {} VMs", number(u32::from(several))),
    };
    let description = match (fault_domain, domain_machines, domains) {
        (true, 1, _) => any,
        (true, size, _) => format!("{any}; also a whole fault domain of {}", number(size)),
        (false, size, 1) => format!("{any}; not their only fault domain, of {}", number(size)),
        (false, size, _) => {
            let would = match codes.as_slice() {
                [] => "no code of this many nodes would".to_owned(),
                [one] => format!("{one} would"),
                [first, second, ..] => format!("{first} would, {second} too"),
            };
            format!("{any}; not a fault domain of {}; {would}", number(size))
        }
    };
    Survival {
        machines,
        domain_machines,
        domain_rows: most_in_one(code.rows(), nodes, domains),
        fault_domain,
        codes_that_would: codes,
        description,
    }
}

fn number(value: u32) -> String {
    const WORDS: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    WORDS.get(value as usize).map_or_else(|| value.to_string(), |word| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(code: &str, nodes: u32, domains: u32) -> String {
        survival(code.parse().expect("a code"), nodes, domains).description
    }

    #[test]
    fn eight_vms_in_three_fault_domains_survive_two_vms_and_no_domain() {
        assert_eq!(sizes(8, 3).collect::<Vec<_>>(), [3, 3, 2]);
        let said = described("6+2", 8, 3);
        assert!(said.starts_with("any two VMs; not a fault domain of three; 5+3 would"), "{said}");
        assert_eq!(described("5+3", 8, 3), "any three VMs; also a whole fault domain of three");
    }

    #[test]
    fn what_would_survive_a_domain_does() {
        for nodes in 5..40 {
            for domains in 1..8 {
                for (data, parity) in [(8, 2), (6, 2), (3, 1), (4, 4), (12, 3)] {
                    let code = Code::new(data, parity).expect("a code");
                    if nodes < code.nodes_min() {
                        continue;
                    }
                    for would in survival(code, nodes, domains).codes_that_would {
                        assert!(survival(would, nodes, domains).fault_domain, "{would} on {nodes}/{domains}");
                    }
                }
            }
        }
    }

    #[test]
    fn one_domain_is_never_survived_and_domains_of_one_always() {
        assert_eq!(described("6+2", 8, 1), "any two VMs; not their only fault domain, of eight");
        assert_eq!(described("6+2", 8, 8), "any two VMs");
        assert!(
            !survival(Code::new(2, 2).expect("a code"), 8, 2).fault_domain,
            "two domains halve the voters"
        );
    }
}
