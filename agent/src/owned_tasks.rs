//! Tasks that end with their owner.
//!
//! A library that speaks HTTP/2 starts tasks of its own for a connection and its streams. They
//! belong to whoever opened the connection, and none outlives it.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use hyper::rt::Executor;
use tokio::task::JoinSet;

type Tasks = Mutex<JoinSet<()>>;

/// Tasks that are aborted when this is dropped.
#[derive(Debug, Default)]
pub struct OwnedTasks {
    tasks: Arc<Tasks>,
}

/// Starts tasks for an owner, as long as there is one.
#[derive(Clone, Debug)]
pub struct Spawner {
    tasks: Weak<Tasks>,
}

impl OwnedTasks {
    /// Starts tasks that this owns.
    pub fn spawner(&self) -> Spawner {
        Spawner { tasks: Arc::downgrade(&self.tasks) }
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Spawner {
    /// Starts a task, and forgets those that have ended; drops it where the owner is gone.
    fn execute(&self, future: F) {
        let Some(tasks) = self.tasks.upgrade() else { return };
        let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(future);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn tasks_end_with_their_owner() {
        let owner = OwnedTasks::default();
        let spawner = owner.spawner();
        let (held, released) = oneshot::channel::<()>();
        spawner.execute(async move {
            let _held = held;
            pending::<()>().await;
        });
        drop(owner);
        assert!(released.await.is_err());
        let (held, released) = oneshot::channel::<()>();
        spawner.execute(async move { drop(held) });
        assert!(released.await.is_err());
    }
}
