//! `isobar validate` on a small real cluster: a node is killed under load and nothing fails, every number
//! has its method, and the report opens in a browser without an error and with its plots drawn.

mod common;

use std::path::Path;
use std::process::{Command, Stdio};

use common::{TestCluster, program, skip};
use serde_json::Value;

/// Short: what is tested is that everything is measured, not how fast it is.
const SHORT: [&str; 10] =
    ["--seconds", "2", "--drill-seconds", "12", "--files", "60", "--file-size", "16MiB", "--output", "json"];

fn check<'a>(report: &'a Value, id: &str) -> &'a Value {
    let checks = report["checks"].as_array().expect("checks");
    checks.iter().find(|c| c["id"] == id).unwrap_or_else(|| panic!("no check {id}"))
}

#[test]
fn a_cluster_is_measured_drilled_and_reported() {
    if skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(5, 512);
    let html = cluster.dir().join("report.html");
    let html = html.to_str().expect("a path");
    let targets = cluster.dir().join("targets.toml");
    // Nothing here depends on how busy the machine is.
    std::fs::write(
        &targets,
        "[survives]\nnodes_min = 2\n[recovery]\nclient_errors_max = 0\n[network]\nmtu_min = 9000\n",
    )
    .expect("targets are written");
    let mut arguments = vec!["validate", "--report", html, "--targets", targets.to_str().expect("a path")];
    arguments.extend(SHORT);
    let output = cluster.isobar(&arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");

    assert_eq!(report["overall"]["failed"], 0, "{:#}", report["checks"]);
    for id in [
        "nodes.answer",
        "nodes.targets",
        "survives.nodes_min",
        "recovery.client_errors_max",
        "contents.wrong",
    ] {
        assert_eq!(check(&report, id)["verdict"], "pass", "{:#}", check(&report, id));
    }
    // The loopback is not a network, and says so instead of passing.
    let mtu = check(&report, "network.mtu_min");
    assert_eq!((&mtu["verdict"], &mtu["measured"]["value"]), (&"not-measurable".into(), &65535.0.into()));
    for (id, unit) in [
        ("streams.each_way_min", "bytes/s"),
        ("metadata.creates_per_second_min", "1/s"),
        ("latency.create_p99_max", "s"),
    ] {
        let measured = &check(&report, id)["measured"];
        assert!(
            measured["value"].as_f64().expect("a number") > 0.0 && measured["unit"] == unit,
            "{id}: {measured}"
        );
    }
    for each in report["checks"].as_array().expect("checks") {
        assert!(!each["method"].as_str().expect("a method").is_empty(), "{each:#}");
    }

    let drill = &report["drill"];
    let (stopped, started) = (drill["stopped_seconds"].as_f64(), drill["started_seconds"].as_f64());
    assert!(stopped > Some(0.0) && started > stopped, "{drill:#}");
    assert_eq!((&drill["client_errors"], &drill["wrong"]), (&0.into(), &0.into()));
    let killed = drill["node"].as_str().expect("a node");
    assert!(cluster.log(killed).matches("node serves").count() >= 2, "{killed} was started again");
    assert!(drill["whole_again_seconds"].as_f64().is_some(), "{drill:#}");
    assert_eq!(cluster.status()["healthy"], true);
    let pairs = report["preflight"]["throughput"]["cells"].as_array().expect("rows");
    let known = pairs.iter().flat_map(|row| row.as_array().expect("a row")).filter(|c| c.is_number()).count();
    assert_eq!(known, 5 * 4, "every ordered pair is measured");
    assert!(report["prediction"]["both_each_way"]["bytes_per_second"].as_u64() > Some(0));
    let left: Vec<_> = std::fs::read_dir(cluster.mount()).expect("the mount").flatten().collect();
    assert!(left.is_empty(), "what was written is removed: {left:?}");
    let scratch = std::fs::read_dir(cluster.dir().join("n1")).expect("a node's directory").flatten();
    assert_eq!(scratch.filter(|e| e.file_name().to_string_lossy().ends_with(".probe")).count(), 0);

    opens_in_a_browser(Path::new(html));
    a_missed_target_fails(&cluster);
}

/// With the same cluster: a target nothing reaches, judged from the pre-flight alone.
fn a_missed_target_fails(cluster: &TestCluster) {
    let targets = cluster.dir().join("impossible.toml");
    std::fs::write(&targets, "[network]\npair_min = \"900TB/s\"\n").expect("targets are written");
    let path = targets.to_str().expect("a path");
    let output = cluster.isobar(&["validate", "--skip", "benchmarks,drill,devices", "--targets", path]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("FAIL") && said.contains("Not ready") && said.contains("900 TB/s"), "{said}");
}

/// Headless Chromium loads the page; a script injected beside it counts what was drawn.
fn opens_in_a_browser(html: &Path) {
    let Some(chromium) =
        ["chromium", "chromium-browser", "google-chrome"].iter().find_map(|name| program(name))
    else {
        println!("skipped the browser's part: chromium is not installed (Debian: apt-get install chromium)");
        return;
    };
    let dir = html.parent().expect("a directory");
    let page = std::fs::read_to_string(html).expect("the report");
    assert!(
        !page.contains("<script") && !page.contains("http://") && !page.contains("https://"),
        "nothing is loaded"
    );
    // The copy for the test says what a reader would see: boxes of drawn shapes, and errors.
    let probe = r##"<script>
addEventListener("load",()=>{const shapes=id=>[...document.querySelectorAll(`#${id} svg`)].filter(s=>s.getBoundingClientRect().height>100)
.map(s=>[...s.querySelectorAll("circle,polyline,rect,path,line")].filter(e=>{const b=e.getBoundingClientRect();return b.width+b.height>1}).length).join(",");
const cells=document.querySelectorAll("#throughput-matrix td:not(.self)").length;
document.title=`throughput=${shapes("throughput")} latency=${shapes("latency")} cells=${cells} wide=${document.documentElement.scrollWidth<=innerWidth}`});
</script></head>"##;
    let copy = dir.join("probe.html");
    std::fs::write(&copy, page.replacen("</head>", probe, 1)).expect("a copy is written");
    for (width, scheme) in [("1100", "light"), ("1100", "dark"), ("500", "light")] {
        let mut command = Command::new(&chromium);
        command.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--dump-dom",
        ]);
        if scheme == "dark" {
            command.arg("--force-dark-mode").arg("--blink-settings=preferredColorScheme=0");
        }
        let output = command
            .arg(format!("--window-size={width},900"))
            .arg(format!("--user-data-dir={}", dir.join("browser").display()))
            .arg(format!("file://{}", copy.display()))
            .stdin(Stdio::null())
            .output()
            .expect("chromium runs");
        let (dom, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let console: Vec<&str> = log.lines().filter(|line| line.contains("CONSOLE")).collect();
        assert!(console.is_empty(), "{console:?}");
        let title = dom.split("<title>").nth(1).and_then(|t| t.split("</title>").next()).expect("a title");
        let value =
            |key: &str| title.split(' ').find_map(|w| w.strip_prefix(&format!("{key}="))).unwrap_or_default();
        for plot in ["throughput", "latency"] {
            // One of the two drawings is shown at each width.
            let drawn: Vec<u32> = value(plot).split(',').filter_map(|n| n.parse().ok()).collect();
            assert!(drawn.len() == 1 && drawn[0] > 20, "{plot} at {width}: {title}");
        }
        assert_eq!((value("cells"), value("wide")), ("20", "true"), "{title}");
    }
}
