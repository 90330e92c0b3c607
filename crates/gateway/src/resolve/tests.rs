use super::{LOOKUP_DEADLINE, ResolveError, Resolver, TENANT_QUEUE, TENANT_THREADS};
use model::TenantId;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::time::Instant;

const EVIL: TenantId = TenantId::new(7);
const GOOD: TenantId = TenantId::new(8);

/// A gate that lookups of slow names wait at, and counters of what passes.
#[derive(Default)]
struct Server {
    open: Mutex<bool>,
    opened: Condvar,
    slow_now: AtomicUsize,
    slow_most: AtomicUsize,
    asked: AtomicUsize,
}

impl Server {
    fn answer(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if name.starts_with("slow") {
            let now = self.slow_now.fetch_add(1, Ordering::SeqCst) + 1;
            self.slow_most.fetch_max(now, Ordering::SeqCst);
            drop(self.opened.wait_while(self.open.lock().unwrap(), |open| !*open).unwrap());
            self.slow_now.fetch_sub(1, Ordering::SeqCst);
        }
        if name.starts_with("unknown") {
            return Err(io::Error::other("no such name"));
        }
        Ok(vec!["192.0.2.1".parse().unwrap()])
    }

    fn release(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

fn run(test: impl AsyncFnOnce(Arc<Server>, Arc<Resolver>)) {
    let server = Arc::<Server>::default();
    let answering = Arc::clone(&server);
    let resolver = Resolver::new(move |name| answering.answer(name));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test(Arc::clone(&server), resolver));
    server.release();
}

#[test]
fn slow_names_of_one_tenant_take_none_of_the_others_turns() {
    run(async |server, resolver| {
        for number in 0..200 {
            let resolver = Arc::clone(&resolver);
            tokio::spawn(async move { resolver.resolve(EVIL, &format!("slow{number}")).await });
        }
        tokio::task::yield_now().await;
        let asked = Instant::now();
        let found = resolver.resolve(GOOD, "quick").await.unwrap();
        assert_eq!(*found, ["192.0.2.1".parse::<IpAddr>().unwrap()]);
        assert!(asked.elapsed() < LOOKUP_DEADLINE, "{:?}", asked.elapsed());
        assert!(server.slow_most.load(Ordering::SeqCst) <= TENANT_THREADS);
    });
}

#[test]
fn one_name_is_looked_up_once_at_a_time_and_remembered() {
    run(async |server, resolver| {
        let waiting: Vec<_> = (0..50)
            .map(|_| {
                let resolver = Arc::clone(&resolver);
                tokio::spawn(async move { resolver.resolve(GOOD, "slow").await })
            })
            .collect();
        tokio::task::yield_now().await;
        server.release();
        for call in waiting {
            assert!(call.await.unwrap().is_ok());
        }
        for name in ["slow", "unknown", "unknown"] {
            assert_eq!(resolver.resolve(GOOD, name).await.is_ok(), name == "slow");
        }
        assert_eq!(server.asked.load(Ordering::SeqCst), 2, "a failure is remembered as well");
        let written_out = resolver.resolve(GOOD, "::1").await.unwrap();
        assert_eq!(*written_out, ["::1".parse::<IpAddr>().unwrap()]);
        assert_eq!(server.asked.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn nobody_waits_longer_than_the_deadline_and_the_queue_is_bounded() {
    run(async |server, resolver| {
        let mut told = Vec::new();
        for number in 0..TENANT_QUEUE + TENANT_THREADS {
            told.push(resolver.ask(EVIL, &format!("slow{number}")).unwrap());
        }
        assert_eq!(resolver.resolve(EVIL, "one more").await, Err(ResolveError::Busy));
        let asked = Instant::now();
        assert_eq!(resolver.resolve(EVIL, "slow0").await, Err(ResolveError::Slow));
        assert!(asked.elapsed() <= LOOKUP_DEADLINE + Duration::from_secs(5));
        // Nobody waits for the others any more: their turns are not used up.
        drop(told);
        server.release();
        // The queue empties as the threads get their turn on the machine.
        let mut answer = resolver.resolve(EVIL, "quick").await;
        for _ in 0..500 {
            if answer != Err(ResolveError::Busy) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            answer = resolver.resolve(EVIL, "quick").await;
        }
        assert!(answer.is_ok(), "{answer:?}");
        let asked = server.asked.load(Ordering::SeqCst);
        assert!(asked <= TENANT_THREADS + 1, "{asked} lookups");
    });
}
