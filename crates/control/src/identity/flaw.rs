//! What can be wrong with a token.

/// Why a token is not taken. Nothing of the token is in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flaw {
    /// It is none.
    Malformed,
    /// Somebody else signed it, or nobody, or it was changed.
    Forged,
    /// It was good once.
    Expired,
    /// It is not good yet.
    Early,
    /// It is for another server.
    Audience,
    /// It is of another issuer or tenant.
    Issuer,
    /// Its principal does not exist any more.
    Principal,
    /// An assertion is good for longer than one may be.
    TooLong,
    /// The certificate that it was signed with is not valid now.
    Certificate,
    /// It is of another issuer, and nobody here has a federated credential for it.
    Stranger,
}

impl Flaw {
    /// A sentence about it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Flaw::Malformed => "It is no signed token.",
            Flaw::Forged => "Its signature is not of its issuer.",
            Flaw::Expired => "It has expired.",
            Flaw::Early => "It is not valid yet.",
            Flaw::Audience => "It is for another audience.",
            Flaw::Issuer => "It is of another issuer or tenant.",
            Flaw::Principal => "Its principal does not exist any more.",
            Flaw::TooLong => "It is good for longer than an hour.",
            Flaw::Certificate => "The certificate that has signed it is not valid now.",
            Flaw::Stranger => {
                "It is of another issuer, and no service principal has a federated credential for its subject."
            }
        }
    }
}
