//! The work of a change of a running lab, done on another thread: an RSA key takes up to a second, a long script longer,
//! and connections are answered meanwhile.

use std::panic::resume_unwind;

use tokio::sync::OwnedMutexGuard;

use super::Engine;
use crate::scenario::Issuer;
use crate::wire::Network;

impl Engine {
    /// Does the work of a change, with the issuer of the lab's certificates. The guard goes with the work: where
    /// nobody waits for the result any more, the next change does not begin beside it, and nothing comes of it.
    ///
    /// A lab in memory works where it is: no client waits for it meanwhile, and the time of a dry run jumps when its
    /// only thread has nothing to do.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        changing: OwnedMutexGuard<()>,
        work: impl FnOnce(&mut Issuer) -> T + Send + 'static,
    ) -> (OwnedMutexGuard<()>, T) {
        let mut issuer = self.desk().issuer.clone();
        let done = move || {
            let result = work(&mut issuer);
            (changing, issuer, result)
        };
        let (changing, issuer, result) = match self.options.network {
            Network::Memory(_) => done(),
            Network::Sockets => tokio::task::spawn_blocking(done)
                .await
                .unwrap_or_else(|panic| resume_unwind(panic.into_panic())),
        };
        self.desk().issuer = issuer;
        (changing, result)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::{Pin, pin};
    use std::sync::mpsc::channel;
    use std::task::Poll;
    use std::time::Duration;

    use super::*;
    use crate::lab::{LabError, Options};
    use crate::scenario::{ScenarioText, scenario};
    use crate::wire::Ports;

    async fn is_pending<T>(change: &mut Pin<&mut impl Future<Output = T>>) -> bool {
        poll_fn(|context| Poll::Ready(change.as_mut().poll(context).is_pending())).await
    }

    #[tokio::test]
    async fn a_change_leaves_the_thread_to_others_and_the_next_one_waits_for_its_end() {
        let text = ScenarioText::parse(scenario("fqdn-mismatch").unwrap().text, "test").unwrap();
        let options = Options { ports: Ports::Free, ..Options::default() };
        let lab = Engine::start(&text, options).await.unwrap();
        let (go, wait) = channel();
        {
            let mut given_up = pin!(lab.edit(move |computers, _, _| {
                wait.recv().ok();
                computers.clear();
                Ok::<_, LabError>(())
            }));
            assert!(is_pending(&mut given_up).await);
        }
        // Nobody waits for the first change any more, and it is still under way.
        assert!(lab.changing.try_lock().is_err());
        let mut typed = pin!(lab.enter("MAILGATE", "Get-Date", &[]));
        assert!(is_pending(&mut typed).await);
        go.send(()).unwrap();
        assert!(!typed.await.unwrap().screen.is_empty());
        assert_eq!(lab.computers().len(), 1, "a change that was given up changes nothing");
        lab.finish(Duration::ZERO).await;
    }
}
