//! The state machine alone.

use isobar_records::limits::{DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX};
use serde_json::Map;

use super::*;
use crate::context::Context;
use crate::step::Step;

const NOW_MS: i64 = 1000;
const OPTIONS: Options = Options {
    at_once: 1,
    lease_ms: 1000,
    renew_ms: 100,
    poll_ms: 100,
    backoff_ms: 100,
    backoff_ms_max: 800,
    faults_max: 3,
};

struct Named(&'static str);

impl Step for Named {
    fn name(&self) -> &str {
        self.0
    }

    fn words(&self) -> &str {
        self.0
    }

    async fn run(&self, _: &Context) -> Result<StepOutcome, StepError> {
        Ok(StepOutcome::done())
    }

    async fn undo(&self, _: &Context) -> Result<StepOutcome, StepError> {
        Ok(StepOutcome::done())
    }
}

fn three_steps() -> Workflow {
    Workflow::new("w").step(Named("a")).step(Named("b")).step(Named("c"))
}

fn operation() -> Operation {
    Operation {
        id: "o".to_owned(),
        target: "/t".to_owned(),
        kind: "w".to_owned(),
        subscription: String::new(),
        location: String::new(),
        input: json!({}),
        outputs: Map::new(),
        step: 0,
        undoing: false,
        attempts: 0,
        status: Status::Running,
        error: None,
        message: String::new(),
        percent: 0,
        cancel_wanted: false,
        created_ms: 0,
        changed_ms: 0,
        ended_ms: None,
        due_ms: 0,
        lease_until_ms: 0,
        owner: String::new(),
        fence: 1,
        correlation: String::new(),
        principal: String::new(),
    }
}

fn course(workflow: &Workflow) -> Course<'_> {
    Course { workflow, options: &OPTIONS, now_ms: NOW_MS }
}

fn done() -> Tried {
    Tried::Came(Ok(StepOutcome::done()))
}

fn retry() -> Tried {
    Tried::Came(Err(StepError::retry("no answer")))
}

fn fail() -> Tried {
    Tried::Came(Err(StepError::fail("Quota", "none left")))
}

#[test]
fn steps_follow_each_other_to_the_end() {
    let workflow = three_steps();
    let (course, mut operation) = (course(&workflow), operation());
    for (step, percent, words) in [(0, 33, "b"), (1, 66, "c"), (2, 100, "Ending")] {
        assert_eq!(course.next(&operation), Next::Do(step));
        assert_eq!(course.settle(&mut operation, done()), Then::GoOn);
        assert_eq!((operation.percent, operation.message.as_str()), (percent, words));
    }
    assert_eq!(course.next(&operation), Next::End(End::Succeeded));
}

#[test]
fn a_failure_is_undone_from_the_failed_step_on() {
    let workflow = three_steps();
    let (course, mut operation) = (course(&workflow), operation());
    course.settle(&mut operation, done());
    assert_eq!(course.settle(&mut operation, fail()), Then::GoOn);
    assert_eq!((course.next(&operation), operation.message.as_str()), (Next::Undo(1), "Undoing: b"));
    assert_eq!(course.settle(&mut operation, fail()), Then::LetGo, "an undo does not give up");
    assert!(operation.message.contains("Undoing: b: none left"), "{}", operation.message);
    course.settle(&mut operation, done());
    assert_eq!(course.next(&operation), Next::Undo(0));
    course.settle(&mut operation, done());
    assert_eq!(course.next(&operation), Next::End(End::Failed));
    let ended = course.ended(&operation, End::Failed);
    assert_eq!((ended.status, ended.message.as_str(), ended.percent), (Status::Failed, "none left", 33));
}

#[test]
fn the_wait_grows_with_failures_in_a_row_and_never_undercuts_what_the_step_asks_for() {
    let workflow = three_steps();
    let (course, mut operation) = (course(&workflow), operation());
    for wait_ms in [100, 200, 400, 800, 800] {
        assert_eq!(course.settle(&mut operation, retry()), Then::LetGo);
        assert_eq!(operation.due_ms, NOW_MS + wait_ms);
    }
    assert_eq!(operation.message, "a: no answer; failure 5, next try in 0.8 s");
    let after = Duration::from_secs(30);
    let slow = Tried::Came(Err(StepError::Retry { after, why: "throttled".to_owned() }));
    course.settle(&mut operation, slow);
    assert_eq!(operation.due_ms, NOW_MS + 30_000);
    course.settle(&mut operation, Tried::Came(Ok(StepOutcome::again(Duration::from_millis(5)))));
    assert_eq!((operation.due_ms, operation.attempts), (NOW_MS + 5, 0));
    course.settle(&mut operation, retry());
    assert_eq!(operation.due_ms, NOW_MS + 100);
}

#[test]
fn panics_are_tried_again_a_few_times() {
    let workflow = three_steps();
    let (course, mut operation) = (course(&workflow), operation());
    let panicked = || Tried::Panicked("index out of bounds".to_owned());
    assert_eq!(course.settle(&mut operation, panicked()), Then::LetGo);
    assert_eq!(course.settle(&mut operation, panicked()), Then::LetGo);
    assert_eq!(course.settle(&mut operation, panicked()), Then::GoOn);
    assert_eq!(course.next(&operation), Next::Undo(0));
    assert_eq!(operation.error.as_ref().map(|error| &error["code"]), Some(&json!("InternalError")));
    for _ in 0..5 {
        assert_eq!(course.settle(&mut operation, panicked()), Then::LetGo, "undone in the end");
    }
}

#[test]
fn what_cannot_be_kept_is_a_fault_and_not_kept() {
    let workflow = three_steps();
    let (course, mut operation) = (course(&workflow), operation());
    let large = || json!("x".repeat(DOCUMENT_BYTES_MAX));
    let outputs = || Map::from_iter([("large".to_owned(), large())]);
    for _ in 1..OPTIONS.faults_max {
        let tried = Tried::Came(Ok(StepOutcome::Done(outputs())));
        assert_eq!(course.settle(&mut operation, tried), Then::LetGo);
        assert!(operation.outputs.is_empty() && operation.step == 0);
        assert!(operation.message.contains("bytes, at most"), "{}", operation.message);
    }
    course.settle(&mut operation, Tried::Came(Ok(StepOutcome::Done(outputs()))));
    assert_eq!(course.next(&operation), Next::Undo(0));
    let mut operation = self::operation();
    let error = StepError::Fail(json!({"code": "X", "message": large()}));
    course.settle(&mut operation, Tried::Came(Err(error)));
    assert!(operation.error.as_ref().is_some_and(|error| error.to_string().len() < 10_000));
}

#[test]
fn what_is_too_deep_to_be_read_back_is_a_fault_and_not_kept() {
    let workflow = three_steps();
    let (course, mut operation) = (course(&workflow), operation());
    let nested = |depth| (1..depth).fold(json!([]), |inner, _| json!([inner]));
    // The outputs are an object around it.
    let outputs = |depth| Map::from_iter([("deep".to_owned(), nested(depth - 1))]);
    let tried = |depth| Tried::Came(Ok(StepOutcome::Done(outputs(depth))));
    assert_eq!(course.settle(&mut operation, tried(DOCUMENT_DEPTH_MAX)), Then::GoOn);
    assert_eq!((operation.step, &operation.outputs), (1, &outputs(DOCUMENT_DEPTH_MAX)));
    for _ in 1..OPTIONS.faults_max {
        assert_eq!(course.settle(&mut operation, tried(DOCUMENT_DEPTH_MAX + 1)), Then::LetGo);
        assert_eq!((operation.step, &operation.outputs), (1, &outputs(DOCUMENT_DEPTH_MAX)));
        assert!(operation.message.contains("nested more than 127"), "{}", operation.message);
    }
    assert_eq!(course.settle(&mut operation, tried(DOCUMENT_DEPTH_MAX + 1)), Then::GoOn);
    assert_eq!(course.next(&operation), Next::Undo(1));
    for (depth, is_kept) in [(DOCUMENT_DEPTH_MAX, true), (DOCUMENT_DEPTH_MAX + 1, false)] {
        let mut operation = self::operation();
        course.settle(&mut operation, Tried::Came(Err(StepError::Fail(nested(depth)))));
        assert_eq!(operation.error == Some(nested(depth)), is_kept);
        assert!(operation.error.is_some_and(|error| document("it", &error).is_ok()));
    }
}

#[test]
fn a_step_that_is_not_there_is_a_fault_and_no_end() {
    let workflow = three_steps();
    let (course, mut operation) = (course(&workflow), operation());
    operation.step = 4;
    for _ in 0..5 {
        assert_eq!(course.next(&operation), Next::Do(4));
        let tried = Tried::Panicked("its workflow w has no step 4".to_owned());
        assert_eq!(course.settle(&mut operation, tried), Then::LetGo);
    }
    operation.step = 3;
    assert_eq!(course.next(&operation), Next::End(End::Succeeded));
}

#[test]
#[should_panic(expected = "two steps b")]
fn two_steps_of_one_name_are_refused() {
    let _ = three_steps().step(Named("b"));
}

#[test]
fn a_message_is_short_and_has_no_zero_bytes() {
    assert_eq!(shown("a\0b"), "a\u{fffd}b");
    assert_eq!(shown(&"ä".repeat(MESSAGE_CHARS_MAX)), "ä".repeat(MESSAGE_CHARS_MAX));
    assert_eq!(shown(&"ä".repeat(MESSAGE_CHARS_MAX + 1)), "ä".repeat(MESSAGE_CHARS_MAX) + "…");
}

#[test]
fn nothing_goes_back_behind_the_point_of_no_return() {
    let workflow = Workflow::new("w").step(Named("a")).no_return().step(Named("b"));
    let (course, mut operation) = (course(&workflow), operation());
    operation.cancel_wanted = true;
    assert!(course.heed_cancel(&mut operation.clone(), true), "before it there is a way back");
    course.settle(&mut operation, done());
    assert!(!course.heed_cancel(&mut operation, true));
    for tried in [fail(), retry(), Tried::Panicked(String::new()), Tried::Panicked(String::new()), fail()] {
        assert_eq!(course.settle(&mut operation, tried), Then::LetGo);
        assert_eq!(course.next(&operation), Next::Do(1));
    }
    course.settle(&mut operation, done());
    assert_eq!(course.next(&operation), Next::End(End::Succeeded));
}

#[test]
fn what_is_cancelled_undoes_what_has_begun_and_nothing_else() {
    let workflow = three_steps();
    let course = course(&workflow);
    for (is_begun, next) in [(true, Next::Undo(1)), (false, Next::Undo(0))] {
        let mut operation = operation();
        course.settle(&mut operation, done());
        assert!(!course.heed_cancel(&mut operation, is_begun), "nobody wants it to end");
        operation.cancel_wanted = true;
        assert!(course.heed_cancel(&mut operation, is_begun));
        assert_eq!(course.next(&operation), next);
        assert!(!course.heed_cancel(&mut operation, is_begun), "it turns back once");
    }
    let mut fresh = operation();
    fresh.cancel_wanted = true;
    assert!(course.heed_cancel(&mut fresh, false));
    assert_eq!(course.next(&fresh), Next::End(End::Canceled));
}

#[test]
fn whatever_steps_come_to_all_is_done_or_all_is_undone() {
    let workflow = three_steps();
    let course = course(&workflow);
    for seed in 0..5000_u64 {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut draw = |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        let (mut operation, mut there) = (operation(), [false; 3]);
        let end = loop {
            match course.next(&operation) {
                Next::End(end) => break end,
                Next::Do(step) => there[step] = true,
                Next::Undo(step) => there[step] = false,
            }
            let was = operation.step;
            let tried = match draw(8) {
                0 => fail(),
                1 => retry(),
                2 => Tried::Panicked(String::new()),
                3 => Tried::Came(Ok(StepOutcome::again(Duration::ZERO))),
                _ => done(),
            };
            course.settle(&mut operation, tried);
            operation.cancel_wanted |= draw(16) == 0;
            let is_begun = was == operation.step;
            course.heed_cancel(&mut operation, is_begun);
        };
        assert_eq!(there, [end == End::Succeeded; 3], "seed {seed}");
    }
}
