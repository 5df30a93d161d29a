//! Faults on one thing inside this process, in the order in which they were put there.

use crate::{Change, FaultError, Held, InProcess, Seed};
use rand::rngs::StdRng;
use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::sleep};

/// Faults on one thing inside this process: a proxy, a pool, a client.
///
/// The thing asks for those that are [`active`](Self::active) whenever it does something, and does what their effects `E`
/// say. A change that is [`putting`](Self::putting) one there goes into a plan; one of one's own [`put`](Self::put)s it there in
/// [`InProcess::apply`], and holds what that returns. A clone is another handle of the same stack.
///
/// # Examples
/// ```
/// use chaos_core::{Held, Seed, Stack};
/// use std::time::Duration;
///
/// // The effect: answers are this much later.
/// let stack = Stack::<Duration>::new();
/// let fault = stack.put(Duration::from_millis(50), Seed::new(1));
/// for active in stack.active() {
///     active.hit();
///     assert_eq!(active.effect().as_millis(), 50);
/// }
/// assert_eq!(fault.hits(), Some(1));
/// fault.release()?;
/// assert!(stack.active().is_empty());
/// # Ok::<(), chaos_core::FaultError>(())
/// ```
pub struct Stack<E>(Arc<Inner<E>>);

struct Inner<E> {
    active: Mutex<Vec<Arc<Active<E>>>>,
    closed: watch::Sender<bool>,
}

impl<E> Stack<E> {
    /// Nothing is on it.
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            active: Mutex::default(),
            closed: watch::Sender::new(false),
        }))
    }

    /// Puts a fault on top of the others. What is drawn for it comes from `seed`.
    pub fn put(&self, effect: E, seed: Seed) -> Stacked<E> {
        let mut others = self.lock();
        let active = Arc::new(Active {
            effect,
            seed,
            hits: AtomicU64::new(0),
            drawn: AtomicU64::new(0),
            off: watch::Sender::new(self.is_closed()),
        });
        if !self.is_closed() {
            others.push(Arc::clone(&active));
        }
        drop(others);
        Stacked {
            stack: self.clone(),
            active,
        }
    }

    /// The change that puts a fault on top of the others, for [`Plan::then_in_process`](crate::Plan::then_in_process).
    pub fn putting(&self, effect: E, seed: Seed, change: Change) -> impl InProcess + use<E>
    where
        E: fmt::Debug + Clone + Send + Sync + 'static,
    {
        Putting {
            stack: self.clone(),
            effect,
            seed,
            change,
        }
    }

    /// The faults that are on it now, the first one first.
    pub fn active(&self) -> Vec<Arc<Active<E>>> {
        self.lock().clone()
    }

    /// Whether no fault is on it.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Takes every fault off, for good: the thing is no more, and no fault can be on it.
    pub fn close(&self) {
        let mut active = self.lock();
        self.0.closed.send_replace(true);
        for one in active.drain(..) {
            one.off.send_replace(true);
        }
    }

    /// Whether it was [closed](Self::close).
    pub fn is_closed(&self) -> bool {
        *self.0.closed.borrow()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Active<E>>>> {
        self.0.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Send + Sync> Stack<E> {
    /// Waits until it is [closed](Self::close).
    pub async fn closed(&self) {
        // Who sends is here, so it cannot be gone.
        self.0
            .closed
            .subscribe()
            .wait_for(|closed| *closed)
            .await
            .ok();
    }
}

impl<E> Default for Stack<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Clone for Stack<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<E: fmt::Debug> fmt::Debug for Stack<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stack").field(&*self.lock()).finish()
    }
}

/// One fault on a [`Stack`].
#[derive(Debug)]
pub struct Active<E> {
    effect: E,
    seed: Seed,
    hits: AtomicU64,
    drawn: AtomicU64,
    off: watch::Sender<bool>,
}

impl<E> Active<E> {
    /// What it does.
    pub fn effect(&self) -> &E {
        &self.effect
    }

    /// It has done something.
    pub fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// What is drawn for the next `what` that it is asked about: the n-th gets the same in each run of an experiment,
    /// whatever came before the fault.
    pub fn draw(&self, what: &str) -> StdRng {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed);
        self.seed.derive(what, number).rng()
    }

    /// Whether it is still on the stack.
    pub fn is_on(&self) -> bool {
        !*self.off.borrow()
    }
}

impl<E: Send + Sync> Active<E> {
    /// Waits for so long, or until it is taken off. Needs a Tokio runtime with timers.
    pub async fn wait(&self, time: Duration) {
        let mut off = self.off.subscribe();
        tokio::select! {
            () = sleep(time) => {}
            _ = off.wait_for(|off| *off) => {}
        }
    }
}

/// A fault that is to be put on a [`Stack`].
#[derive(Debug)]
struct Putting<E> {
    stack: Stack<E>,
    effect: E,
    seed: Seed,
    change: Change,
}

impl<E: fmt::Debug + Clone + Send + Sync + 'static> InProcess for Putting<E> {
    type Held = Stacked<E>;

    fn change(&self) -> Change {
        self.change.clone()
    }

    fn apply(&self) -> Result<Stacked<E>, FaultError> {
        Ok(self.stack.put(self.effect.clone(), self.seed))
    }
}

/// A fault that is on a [`Stack`]. Dropping it takes the fault off.
pub struct Stacked<E> {
    stack: Stack<E>,
    active: Arc<Active<E>>,
}

impl<E> Drop for Stacked<E> {
    fn drop(&mut self) {
        let mut active = self.stack.lock();
        active.retain(|other| !Arc::ptr_eq(other, &self.active));
        self.active.off.send_replace(true);
    }
}

impl<E: fmt::Debug + Send + Sync + 'static> Held for Stacked<E> {
    fn in_place(&self) -> bool {
        self.active.is_on()
    }

    fn hits(&self) -> Option<u64> {
        Some(self.active.hits.load(Ordering::Relaxed))
    }

    fn release(self) -> Result<(), FaultError> {
        drop(self);
        Ok(())
    }
}

impl<E: fmt::Debug> fmt::Debug for Stacked<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stacked").field(&self.active).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;
    use std::time::Instant;

    fn effects(stack: &Stack<u8>) -> Vec<u8> {
        stack
            .active()
            .iter()
            .map(|active| *active.effect())
            .collect()
    }

    #[test]
    fn faults_are_active_in_their_order_until_they_are_taken_off() {
        let stack = Stack::new();
        let [one, two, three] = [1, 2, 3].map(|effect| stack.put(effect, Seed::new(1)));
        assert_eq!(effects(&stack), [1, 2, 3]);
        let kept = stack.active();
        two.release().unwrap();
        assert_eq!(effects(&stack), [1, 3]);
        assert!(!kept[1].is_on() && kept[2].is_on());
        drop(one);
        assert!(three.in_place());
        assert_eq!(effects(&stack), [3]);
    }

    #[test]
    fn nothing_is_on_what_is_closed() {
        let stack = Stack::new();
        let before = stack.put(1, Seed::new(1));
        stack.clone().close();
        let after = stack.put(2, Seed::new(1));
        assert!(!before.in_place() && !after.in_place() && stack.is_closed());
        assert!(effects(&stack).is_empty());
        after.release().unwrap();
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let drawn = |seed| -> Vec<u64> {
            let stack = Stack::new();
            let _fault = stack.put((), Seed::new(seed));
            let active = &stack.active()[0];
            (0..10).map(|_| active.draw("request").random()).collect()
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        assert_ne!(drawn(1)[0], drawn(1)[1]);
    }

    #[tokio::test]
    async fn who_waits_goes_on_when_the_fault_is_taken_off_or_its_stack_is_closed() {
        const LONG: Duration = Duration::from_secs(3600);
        let stack = Stack::new();
        for close in [false, true] {
            let fault = stack.put((), Seed::new(1));
            let active = stack.active().remove(0);
            let start = Instant::now();
            active.wait(Duration::from_millis(20)).await;
            assert!(start.elapsed() >= Duration::from_millis(20));
            let waiting = tokio::spawn(async move { active.wait(LONG).await });
            tokio::task::yield_now().await;
            if close {
                stack.close();
            } else {
                drop(fault);
            }
            tokio::time::timeout(Duration::from_secs(20), waiting)
                .await
                .unwrap()
                .unwrap();
        }
        tokio::time::timeout(Duration::from_secs(20), stack.closed())
            .await
            .unwrap();
    }
}
