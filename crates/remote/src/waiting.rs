//! Operations that go on after their request was answered: looking how they stand until they have ended.

use std::time::Instant;

use isobar_arm::{ArmError, OperationState, OperationStatus};
use isobar_https::{Answer, HttpsError};
use serde_json::Value;

use crate::error::RemoteError;
use crate::limits::{AWAY_MAX, PAUSE, WAIT_MAX};
use crate::request::Request;
use crate::session::Session;

/// Where its status is.
const STATUS: &str = "azure-asyncoperation";
/// Where its result is.
const RESULT: &str = "location";

/// How an operation stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// In a word: `InProgress`.
    pub state: String,
    /// How much of it is done.
    pub percent: Option<u8>,
    /// What it is doing.
    pub message: Option<String>,
}

/// Where Azure has the results of operations, and beside them how they stand.
const RESULTS: &str = "/operationResults/";
const STATUSES: &str = "/operationStatuses/";

/// Where it can be asked how it stands, if it goes on after this answer.
pub fn goes_on(answer: &Answer) -> Option<String> {
    let of = |name: &str| answer.header(name).map(str::to_owned);
    of(STATUS).or_else(|| of(RESULT).filter(|_| answer.status == 202))
}

/// Some operations tell where their result will be and no more. How far they are is beside it.
fn beside(result: &str) -> Option<String> {
    result.contains(RESULTS).then(|| result.replacen(RESULTS, STATUSES, 1))
}

/// Waits until what a request began has ended, telling `look` how it stands whenever that changes; gives what
/// it has left: the resource, or whatever the action answers.
///
/// # Errors
/// It failed or was canceled, or the server could not be asked for too long. It may go on then.
pub async fn wait(
    session: &mut Session,
    request: &Request,
    answer: Answer,
    mut look: impl FnMut(&Standing),
) -> Result<Value, RemoteError> {
    let first = answer.clone();
    let of = |name: &str| first.header(name).map(str::to_owned);
    let result = of(RESULT);
    let mut status = of(STATUS).or_else(|| result.as_deref().and_then(beside));
    let asked = status.as_ref().or(result.as_ref()).cloned().unwrap_or_default();
    let mut looking = Looking { began: Instant::now(), away_since: None, asked };
    let mut last = None;
    let mut seen = answer;
    loop {
        looking.pause(&seen).await?;
        seen = match session.read(&looking.asked).await {
            Ok(seen) => seen,
            // There is nothing beside the result: that alone is looked at.
            Err(error) if error.is_not_found() && of(STATUS).is_none() && status.is_some() => {
                status = None;
                looking.asked = result.clone().unwrap_or_default();
                continue;
            }
            Err(error) => {
                looking.is_away(error)?;
                continue;
            }
        };
        looking.away_since = None;
        if status.is_none() {
            if seen.status == 202 {
                continue;
            }
            return Ok(seen.body);
        }
        let now = read_status(session, &seen)?;
        let standing = standing(&now);
        if last.as_ref() != Some(&standing) {
            look(&standing);
            last = Some(standing);
        }
        match now.status {
            OperationState::Succeeded => return left(session, request, result, now.properties).await,
            OperationState::Failed | OperationState::Canceled => {
                return Err(RemoteError::Failed(Box::new(why(now))));
            }
            OperationState::Accepted | OperationState::InProgress | OperationState::Canceling => {}
        }
    }
}

/// How long it is looked at.
struct Looking {
    began: Instant,
    away_since: Option<Instant>,
    asked: String,
}

impl Looking {
    /// Pauses for as long as the last answer said; a server that is away said nothing of that.
    async fn pause(&self, seen: &Answer) -> Result<(), RemoteError> {
        if self.began.elapsed() > WAIT_MAX {
            return Err(RemoteError::TooLong(self.asked.clone()));
        }
        let pause = if self.away_since.is_some() { PAUSE } else { seen.pause() };
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// A server that starts again is waited for; what goes on there goes on.
    fn is_away(&mut self, error: RemoteError) -> Result<(), RemoteError> {
        let since = self.away_since.get_or_insert_with(Instant::now);
        if error.is_away() && since.elapsed() < AWAY_MAX { Ok(()) } else { Err(error) }
    }
}

fn read_status(session: &Session, seen: &Answer) -> Result<OperationStatus, RemoteError> {
    serde_json::from_value(seen.body.clone()).map_err(|error| {
        let why = format!("what it answers is no status of an operation: {error}");
        RemoteError::Server(HttpsError::Nonsense { url: session.profile().url.clone(), why })
    })
}

fn standing(status: &OperationStatus) -> Standing {
    let message = status.properties.as_ref().and_then(|of| of["message"].as_str());
    Standing {
        state: format!("{:?}", status.status),
        percent: status.percent_complete,
        message: message.map(str::to_owned),
    }
}

fn why(status: OperationStatus) -> ArmError {
    let is_canceled = status.status == OperationState::Canceled;
    let bare = if is_canceled { ("Canceled", "It was canceled.") } else { ("Failed", "It failed.") };
    status.error.unwrap_or_else(|| ArmError::new(409, bare.0, bare.1))
}

/// What an operation has left when it went well.
async fn left(
    session: &mut Session,
    request: &Request,
    result: Option<String>,
    properties: Option<Value>,
) -> Result<Value, RemoteError> {
    let read = match (request.method.as_str(), result) {
        ("PUT" | "PATCH", _) => Some(request.path.clone()),
        ("DELETE", _) => None,
        (_, result) => result,
    };
    match read {
        Some(link) => Ok(session.read(&link).await?.body),
        None => Ok(properties.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_be_away_for_a_minute_from_when_that_was_seen() {
        let unreachable = || RemoteError::Server(HttpsError::NobodyListens { url: "https://a".to_owned() });
        let long_ago = Instant::now().checked_sub(AWAY_MAX).unwrap();
        let mut looking = Looking { began: long_ago, away_since: None, asked: "/a".to_owned() };
        assert!(looking.is_away(unreachable()).is_ok(), "however long the last answer is ago");
        assert!(looking.is_away(RemoteError::NotLoggedIn).is_err());
        looking.away_since = Some(long_ago);
        assert!(looking.is_away(unreachable()).is_err());
    }
}
