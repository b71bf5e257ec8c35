//! When a step is tried again, and when it has failed.

use isobar_provider::ProviderError;
use isobar_workflow::{Context, Outputs, StepError};
use serde_json::{Value, json};

use crate::clock::Time;
use crate::limits::{PROVIDER_TRIES_MAX, READY_MAX};

/// What a call of a provider that failed makes of its step: it is tried again, some times.
pub(crate) fn failed(context: &Context, error: ProviderError) -> StepError {
    match error {
        ProviderError::Retry(why) if context.attempts() + 1 < PROVIDER_TRIES_MAX => StepError::retry(why),
        ProviderError::Retry(why) => {
            StepError::fail("ProviderFailed", format!("{why} (tried {PROVIDER_TRIES_MAX} times)"))
        }
        ProviderError::Cannot(why) => StepError::fail("ProviderFailed", why),
    }
}

/// The same where nothing else can be done than to try again: undoing, and behind a point of no return.
pub(crate) fn again(error: ProviderError) -> StepError {
    match error {
        ProviderError::Retry(why) | ProviderError::Cannot(why) => StepError::retry(why),
    }
}

/// Notes when something began that may take only so long.
pub(crate) fn begins(time: &Time) -> Outputs {
    Outputs::from_iter([(BEGAN.to_owned(), json!(time.now().millis()))])
}

/// Whether what began then takes too long.
pub(crate) fn is_late(context: &Context, time: &Time) -> bool {
    let began_ms = context.outputs().get(BEGAN).and_then(Value::as_i64);
    let max_ms = i64::try_from(READY_MAX.as_millis()).unwrap_or(i64::MAX);
    began_ms.is_some_and(|began_ms| time.now().millis().saturating_sub(began_ms) > max_ms)
}

/// The name of that note.
const BEGAN: &str = "beganMs";
