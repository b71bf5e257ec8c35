//! Steps that do what a test says.

use std::future::{Future, pending};
use std::sync::Arc;

use isobar_workflow::{Context, Step, StepError, StepOutcome};
use parking_lot::Mutex;

use crate::common::world::World;

type Boxed = std::pin::Pin<Box<dyn Future<Output = Result<StepOutcome, StepError>> + Send>>;
type Act = Arc<dyn Fn(Context) -> Boxed + Send + Sync>;

/// A step that makes a thing in the world and then acts.
#[derive(Clone)]
pub struct Acts {
    name: &'static str,
    world: World,
    act: Act,
    back: Act,
    calls: Arc<Mutex<Calls>>,
}

/// How often a step was called.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Calls {
    pub run: u32,
    pub undo: u32,
}

/// Says that it was dropped.
struct SaysWhenDropped(Arc<Mutex<u32>>);

impl Drop for SaysWhenDropped {
    fn drop(&mut self) {
        *self.0.lock() += 1;
    }
}

impl Acts {
    /// One that just goes.
    pub fn new(name: &'static str, world: &World) -> Acts {
        let goes: Act = Arc::new(|_| Box::pin(async { Ok(StepOutcome::done()) }));
        Acts { name, world: world.clone(), act: goes.clone(), back: goes, calls: Arc::default() }
    }

    /// One that never returns, and counts how often it is dropped.
    pub fn hanging(name: &'static str, world: &World, dropped: &Arc<Mutex<u32>>) -> Acts {
        let dropped = dropped.clone();
        Acts::new(name, world).acting(move |_| {
            let says = SaysWhenDropped(dropped.clone());
            async move {
                let _says = says;
                pending().await
            }
        })
    }

    /// What it comes to when its thing is made.
    pub fn acting<F>(mut self, act: impl Fn(Context) -> F + Send + Sync + 'static) -> Acts
    where
        F: Future<Output = Result<StepOutcome, StepError>> + Send + 'static,
    {
        self.act = Arc::new(move |context| Box::pin(act(context)));
        self
    }

    /// What undoing it comes to, before its thing is taken away.
    pub fn undone_by<F>(mut self, back: impl Fn(Context) -> F + Send + Sync + 'static) -> Acts
    where
        F: Future<Output = Result<StepOutcome, StepError>> + Send + 'static,
    {
        self.back = Arc::new(move |context| Box::pin(back(context)));
        self
    }

    pub fn calls(&self) -> Calls {
        *self.calls.lock()
    }
}

impl Step for Acts {
    fn name(&self) -> &str {
        self.name
    }

    fn words(&self) -> &str {
        self.name
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        self.calls.lock().run += 1;
        self.world.make(&context.mark());
        (self.act)(context.clone()).await
    }

    async fn undo(&self, context: &Context) -> Result<StepOutcome, StepError> {
        self.calls.lock().undo += 1;
        let outcome = (self.back)(context.clone()).await?;
        self.world.take_away(&context.mark());
        Ok(outcome)
    }
}
