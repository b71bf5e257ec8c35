//! How storage is bought.

/// How storage is bought. Whatever clusters can do they can do under each of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// At Microsoft's marketplace, by a public plan.
    Marketplace,
    /// At Microsoft's marketplace, by an offer for this customer.
    PrivateOffer,
    /// By a licence that the customer has.
    Byol,
    /// By a contract with the maker.
    DirectContract,
}

impl Kind {
    /// By name.
    pub(crate) const WORDS: [(&str, Kind); 4] = [
        ("marketplace", Kind::Marketplace),
        ("privateOffer", Kind::PrivateOffer),
        ("byol", Kind::Byol),
        ("directContract", Kind::DirectContract),
    ];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        Kind::WORDS.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Kind> {
        Kind::WORDS.iter().find(|(word, _)| *word == name).map(|(_, kind)| *kind)
    }

    /// Whether Microsoft sells it.
    pub(crate) fn is_of_microsoft(self) -> bool {
        matches!(self, Kind::Marketplace | Kind::PrivateOffer)
    }
}
