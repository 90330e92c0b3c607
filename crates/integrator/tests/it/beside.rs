//! Stores, processors, tasks and data services of a running integrator, also across the end of its process.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use integrator::{Integrator, Settings, Tree, World};
use model::{EgressRules, Timestamp};
use testkit::{MockClock, SeededRng};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::harness::{Running, api, client_tls};

/// A backend that writes down the bodies it gets and answers with a status.
struct Notes {
    port: u16,
    status: Arc<AtomicU16>,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Notes {
    async fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (status, bodies) = (Arc::new(AtomicU16::new(status)), Arc::new(Mutex::new(Vec::new())));
        let (own_status, own_bodies) = (Arc::clone(&status), Arc::clone(&bodies));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (status, bodies) = (Arc::clone(&own_status), Arc::clone(&own_bodies));
                tokio::spawn(async move {
                    let mut bytes = Vec::new();
                    let mut piece = [0; 4096];
                    loop {
                        let Ok(read @ 1..) = stream.read(&mut piece).await else { return };
                        bytes.extend_from_slice(&piece[..read]);
                        let text = String::from_utf8_lossy(&bytes).into_owned();
                        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                        let chunked = head.to_ascii_lowercase().contains("chunked");
                        let length = head
                            .to_ascii_lowercase()
                            .split("content-length: ")
                            .nth(1)
                            .map(|rest| rest.split("\r\n").next().unwrap().trim().parse::<usize>().unwrap());
                        if chunked && !body.ends_with("0\r\n\r\n") || length.is_some_and(|length| body.len() < length) {
                            continue;
                        }
                        bodies.lock().unwrap().push(body.to_owned());
                        let status = status.load(Ordering::Relaxed);
                        let answer = format!(
                            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{{\"got\":true}}"
                        );
                        let _ = stream.write_all(answer.as_bytes()).await;
                        return;
                    }
                });
            }
        });
        Self { port, status, bodies }
    }

    fn bodies(&self) -> Vec<String> {
        self.bodies.lock().unwrap().clone()
    }

    /// The numbers that came, in their order.
    fn numbers(&self) -> Vec<i64> {
        let number = |body: &String| {
            let digits: String = body.split("\"n\"").nth(1)?.chars().filter(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        self.bodies().iter().filter_map(number).collect()
    }

    fn endpoint(&self) -> String {
        format!(
            "<endpoint @NS name=\"notes\"><http method=\"post\" uri-template=\"http://127.0.0.1:{}/notes\"/></endpoint>",
            self.port
        )
    }
}

/// Waits until something is so.
async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    for _ in 0..300 {
        if is().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

const STORE: &str = "<messageStore @NS name=\"queue\"/>";

fn processor(parameters: &str) -> String {
    format!(
        "<messageProcessor @NS class=\"org.apache.synapse.message.processor.impl.forwarder.ScheduledMessageForwardingProcessor\" \
         name=\"forward\" targetEndpoint=\"notes\" messageStore=\"queue\"><parameter name=\"interval\">10</parameter>\
         <parameter name=\"client.retry.interval\">50</parameter>{parameters}</messageProcessor>"
    )
}

fn keeping() -> (&'static str, String) {
    (
        "api/t.xml",
        api(
            "<store messageStore=\"queue\"/><property name=\"HTTP_SC\" value=\"202\" scope=\"axis2\"/><payloadFactory media-type=\"json\"><format>{}</format></payloadFactory><respond/>",
        ),
    )
}

async fn send(running: &Running, number: i64) {
    let answer = running.post("/t", "application/json", &format!("{{\"n\":{number}}}")).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_forwarded_in_order_and_again_until_they_are_taken() {
    let notes = Notes::start(503).await;
    let reply = "<sequence @NS name=\"replied\"><log level=\"custom\"><property name=\"a\" value=\"b\"/></log><call><endpoint><http method=\"post\" uri-template=\"http://127.0.0.1:@PORT/reply\"/></endpoint></call></sequence>";
    let running = Running::start(&[
        keeping(),
        ("message-stores/queue.xml", STORE.to_owned()),
        ("endpoints/notes.xml", notes.endpoint()),
        ("sequences/replied.xml", reply.replace("@PORT", &notes.port.to_string())),
        ("message-processors/forward.xml", processor("<parameter name=\"max.delivery.attempts\">-1</parameter><parameter name=\"message.processor.reply.sequence\">replied</parameter>")),
    ])
    .await;
    assert!(running.report.refused.is_empty(), "{:?}", running.report.refused);
    for number in 1..=3 {
        send(&running, number).await;
    }
    until("the first is tried more than once", async || notes.bodies().len() > 2).await;
    assert!(notes.numbers().iter().all(|number| *number == 1), "nothing overtakes: {:?}", notes.numbers());
    assert_eq!(running.integrator.stores().await[0].messages, Some(3));
    notes.status.store(200, Ordering::Relaxed);
    until("the store is empty", async || running.integrator.stores().await[0].messages == Some(0)).await;
    let mut order = notes.numbers();
    order.dedup();
    assert_eq!(order, [1, 2, 3]);
    until("the answers came to the reply sequence", async || {
        notes.bodies().iter().filter(|body| body.contains("got")).count() == 3
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_processor_gives_up_as_its_artifact_says() {
    let notes = Notes::start(500).await;
    let start = async |parameters: &str| {
        Running::start(&[
            keeping(),
            ("message-stores/queue.xml", STORE.to_owned()),
            ("message-stores/failed.xml", "<messageStore @NS name=\"failed\"/>".to_owned()),
            ("endpoints/notes.xml", notes.endpoint()),
            ("message-processors/forward.xml", processor(parameters)),
        ])
        .await
    };
    // It is deactivated, and stays so when it is deployed again.
    let running = start("<parameter name=\"max.delivery.attempts\">2</parameter>").await;
    send(&running, 1).await;
    until("it is deactivated", async || running.integrator.processors().first().is_some_and(|one| !one.active)).await;
    assert_eq!(
        (
            notes.bodies().len(),
            running.integrator.stores().await[0].messages.max(running.integrator.stores().await[1].messages)
        ),
        (2, Some(1))
    );
    notes.status.store(200, Ordering::Relaxed);
    assert_eq!(running.integrator.activate_processor("forward", true).await, Ok(true));
    until("it goes on", async || running.integrator.stores().await.iter().all(|store| store.messages == Some(0))).await;
    assert_eq!(running.integrator.activate_processor("none", true).await, Ok(false));
    // It drops into the store for what failed.
    notes.status.store(404, Ordering::Relaxed);
    let drops = "<parameter name=\"max.delivery.attempts\">1</parameter><parameter name=\"max.delivery.drop\">Enabled</parameter><parameter name=\"message.processor.failMessagesStore\">failed</parameter>";
    let running = start(drops).await;
    send(&running, 2).await;
    until("it was moved", async || {
        running.integrator.stores().await.iter().any(|store| store.name == "failed" && store.messages == Some(1))
    })
    .await;
    assert!(running.integrator.processors()[0].active);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sampling_gives_messages_to_a_sequence_and_failover_moves_them() {
    let notes = Notes::start(200).await;
    let class = "org.apache.synapse.message.processor.impl";
    let running = Running::start(&[
        keeping(),
        ("message-stores/queue.xml", STORE.to_owned()),
        ("message-stores/second.xml", "<messageStore @NS name=\"second\" class=\"org.apache.synapse.message.store.impl.jdbc.JDBCMessageStore\"><parameter name=\"store.jdbc.connection.url\">jdbc:sqlite:second.db</parameter><parameter name=\"store.jdbc.table\">waiting</parameter></messageStore>".to_owned()),
        ("endpoints/notes.xml", notes.endpoint()),
        ("sequences/sampled.xml", "<sequence @NS name=\"sampled\"><call><endpoint key=\"notes\"/></call></sequence>".to_owned()),
        ("message-processors/a.xml", format!("<messageProcessor @NS class=\"{class}.failover.FailoverScheduledMessageForwardingProcessor\" name=\"move\" messageStore=\"queue\"><parameter name=\"interval\">10</parameter><parameter name=\"message.target.store.name\">second</parameter></messageProcessor>")),
        ("message-processors/b.xml", format!("<messageProcessor @NS class=\"{class}.sampler.SamplingProcessor\" name=\"sample\" messageStore=\"second\"><parameter name=\"interval\">20</parameter><parameter name=\"concurrency\">2</parameter><parameter name=\"sequence\">sampled</parameter></messageProcessor>")),
    ])
    .await;
    assert!(running.report.refused.is_empty(), "{:?}", running.report.refused);
    for number in 1..=5 {
        send(&running, number).await;
    }
    until("all came through both stores", async || notes.numbers() == [1, 2, 3, 4, 5]).await;
    assert!(running.home.path().join("databases/second.db").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_work_is_refused_at_deploy() {
    let notes = Notes::start(200).await;
    let running = Running::start(&[
        ("endpoints/notes.xml", notes.endpoint()),
        ("message-processors/forward.xml", processor("")),
        ("message-stores/rabbit.xml", "<messageStore @NS name=\"r\" class=\"org.apache.synapse.message.store.impl.rabbitmq.RabbitMQStore\"/>".to_owned()),
        ("message-stores/jdbc.xml", "<messageStore @NS name=\"j\" class=\"org.apache.synapse.message.store.impl.jdbc.JDBCMessageStore\"><parameter name=\"store.jdbc.connection.url\">jdbc:mysql://h/d</parameter></messageStore>".to_owned()),
        ("message-stores/table.xml", "<messageStore @NS name=\"k\" class=\"org.apache.synapse.message.store.impl.jdbc.JDBCMessageStore\"><parameter name=\"store.jdbc.connection.url\">jdbc:sqlite:a.db</parameter><parameter name=\"store.jdbc.table\">x; drop table y</parameter></messageStore>".to_owned()),
        ("tasks/lost.xml", "<task @NS name=\"lost\" class=\"org.apache.synapse.startup.tasks.MessageInjector\"><trigger interval=\"1\"/><property name=\"injectTo\" value=\"sequence\"/><property name=\"sequenceName\" value=\"gone\"/></task>".to_owned()),
        ("tasks/cron.xml", "<task @NS name=\"cron\" class=\"org.apache.synapse.startup.tasks.MessageInjector\"><trigger cron=\"61 * * * * ?\"/></task>".to_owned()),
    ])
    .await;
    let refused = format!("{:?}", running.report.refused);
    for reason in [
        "message store queue is not deployed",
        "RabbitMQ is not spoken",
        "mysql is not available",
        "not the name of a table",
        "sequence gone is not deployed",
        "61",
    ] {
        assert!(refused.contains(reason), "{reason}: {refused}");
    }
    assert!(running.integrator.tasks().is_empty() && running.integrator.processors().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_run_as_often_as_they_should() {
    let notes = Notes::start(200).await;
    let task = |name: &str, trigger: &str, target: &str| {
        format!(
            "<task @NS name=\"{name}\" class=\"org.apache.synapse.startup.tasks.MessageInjector\">{trigger}{target}\
             <property name=\"message\"><m xmlns=\"\">{name}</m></property></task>"
        )
    };
    let sequence = "<property name=\"injectTo\" value=\"sequence\"/><property name=\"sequenceName\" value=\"note\"/>";
    let proxy = "<property name=\"injectTo\" value=\"proxy\"/><property name=\"proxyName\" value=\"noting\"/>";
    let running = Running::start(&[
        ("endpoints/notes.xml", notes.endpoint()),
        ("sequences/note.xml", "<sequence @NS name=\"note\"><call><endpoint key=\"notes\"/></call></sequence>".to_owned()),
        ("sequences/main.xml", "<sequence @NS name=\"main\"><call><endpoint key=\"notes\"/></call></sequence>".to_owned()),
        ("proxy-services/noting.xml", "<proxy @NS name=\"noting\"><target><inSequence><call><endpoint key=\"notes\"/></call></inSequence></target></proxy>".to_owned()),
        ("tasks/thrice.xml", task("thrice", "<trigger interval=\"0.05\" count=\"3\"/>", sequence)),
        ("tasks/once.xml", task("once", "<trigger once=\"true\"/>", proxy)),
        ("tasks/main.xml", task("main", "<trigger interval=\"0.05\" count=\"1\"/>", "")),
        ("tasks/cron.xml", task("cron", "<trigger cron=\"0/1 * * * * ?\"/>", sequence)),
    ])
    .await;
    assert!(running.report.refused.is_empty(), "{:?}", running.report.refused);
    let count = |name: &str| notes.bodies().iter().filter(|body| body.contains(&format!(">{name}<"))).count();
    until("all have run", async || {
        count("thrice") == 3 && count("once") == 1 && count("main") == 1 && count("cron") > 1
    })
    .await;
    assert!(running.integrator.pause_task("cron", true) && !running.integrator.pause_task("none", true));
    let runs = running.integrator.tasks().into_iter().find(|task| task.name == "cron").unwrap();
    assert!(runs.paused);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let later = running.integrator.tasks().into_iter().find(|task| task.name == "cron").unwrap();
    assert_eq!((later.runs, count("thrice")), (runs.runs, 3), "nothing runs on");
    // A task that is taken away ends.
    running.remove("tasks/cron.xml");
    running.integrator.rescan().await;
    assert!(running.integrator.tasks().iter().all(|task| task.name != "cron"));
}

const DATA: &str = r#"<data name="Orders" enableBatchRequests="true"><config id="default"><property name="url">jdbc:sqlite:orders.db</property></config>
  <query id="make"><sql>create table if not exists orders (id integer primary key, name text)</sql></query>
  <query id="add"><sql>insert into orders (id, name) values (:id, :name)</sql><param name="id" sqlType="INTEGER"/><param name="name" sqlType="STRING"/></query>
  <query id="all"><sql>select id, name from orders order by id</sql><result element="orders" rowName="order"><element name="id" column="id"/><element name="name" column="name"/></result></query>
  <operation name="make"><call-query href="make"/></operation>
  <operation name="add"><call-query href="add"><with-param name="id" query-param="id"/><with-param name="name" query-param="name"/></call-query></operation>
  <operation name="all"><call-query href="all"/></operation>
  <resource method="GET" path="orders"><call-query href="all"/></resource></data>"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_service_serves_clients_and_mediators() {
    let data = "/repository/deployment/server/dataservices/Orders.dbs";
    let batch = "<dataServiceCall serviceName=\"Orders\"><source type=\"inline\"/><operations type=\"batch\"><operation name=\"add\"><param name=\"id\" value=\"@A\"/><param name=\"name\" value=\"x\"/></operation><operation name=\"add\"><param name=\"id\" value=\"@B\"/><param name=\"name\" value=\"y\"/></operation></operations><target type=\"property\" name=\"r\"/></dataServiceCall><respond/>";
    let lookup = "<dblookup><connection><pool><driver>d</driver><url>jdbc:sqlite:orders.db</url><user>u</user><password>p</password></pool></connection><statement><sql>select name from orders where id = ?</sql><parameter value=\"7\" type=\"INTEGER\"/><result name=\"found\" column=\"name\"/></statement></dblookup><payloadFactory media-type=\"json\"><format>{\"found\":\"$1\"}</format><args><arg expression=\"get-property('found')\"/></args></payloadFactory><respond/>";
    let rollback = "<transaction action=\"new\"/><dbreport><connection><pool><url>jdbc:sqlite:orders.db</url></pool></connection><statement><sql>insert into orders (id, name) values (?, 'gone')</sql><parameter value=\"50\" type=\"INTEGER\"/></statement></dbreport><transaction action=\"rollback\"/><respond/>";
    let resource = |path: &str, mediators: &str| {
        format!("<resource methods=\"POST\" url-mapping=\"/{path}\"><inSequence>{mediators}</inSequence></resource>")
    };
    let api = format!(
        "<api @NS name=\"t\" context=\"/t\">{}{}{}{}</api>",
        resource("good", &batch.replace("@A", "7").replace("@B", "8")),
        resource("bad", &batch.replace("@A", "9").replace("@B", "7")),
        resource("lookup", lookup),
        resource("rollback", rollback)
    );
    let running = Running::start(&[(data, DATA.to_owned()), ("api/t.xml", api)]).await;
    assert!(running.report.refused.is_empty(), "{:?}", running.report.refused);
    assert_eq!(running.post("/services/Orders", "application/xml", "<make/>").await.status, 202);
    assert_eq!(running.post("/t/good", "application/json", "{}").await.status, 200);
    assert_eq!(running.post("/t/bad", "application/json", "{}").await.status, 500, "a batch that fails is a failure");
    assert_eq!(running.post("/t/lookup", "application/json", "{}").await.body, r#"{"found":"x"}"#);
    assert_eq!(running.post("/t/rollback", "application/json", "{}").await.status, 200);
    let answer = running.send("GET", "/services/Orders/orders", &[("Accept", "application/json")], b"").await;
    assert_eq!(answer.body, r#"{"orders":{"order":[{"id":7,"name":"x"},{"id":8,"name":"y"}]}}"#);
    assert_eq!(running.get("/services/Orders/none").await.status, 404);
}

const CHILD: &str = "PORTCULLIS_INTEGRATOR_CRASH_CHILD";

async fn integrator(home: &Path) -> Arc<Integrator> {
    let world = World {
        clock: Arc::new(MockClock::at(Timestamp::from_seconds(1_795_000_000))),
        rng: Arc::new(SeededRng::new(7)),
        secrets: Arc::new(super::harness::Vault),
        environment: Arc::new(|_| None),
        egress: EgressRules::with_networks(["127.0.0.0/8".parse().unwrap()]),
        tls: client_tls(None),
        server_tls: None,
    };
    let integrator = Integrator::new(Settings::new(Tree::Home(home.to_owned())), world);
    let report = integrator.start().await;
    assert!(report.refused.is_empty(), "{:?}", report.refused);
    integrator
}

/// Runs only as the child of the test below: takes messages, and reports each that a client was told is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "how the parent tells the child what to do")]
async fn crash_child() {
    let Ok(home) = std::env::var(CHILD) else { return };
    let integrator = integrator(home.as_ref()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    tokio::spawn(async move { integrator.serve(listener, None, stopped).await });
    for number in 1.. {
        let body = format!("{{\"n\":{number}}}");
        let answer =
            super::harness::request(address, "POST", "/t", &[("Content-Type", "application/json")], body.as_bytes())
                .await;
        assert_eq!(answer.status, 202);
        println!("\nkept {number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_loses_no_message_and_no_order() {
    let notes = Notes::start(200).await;
    let home = tempfile::tempdir().unwrap();
    let artifacts = [
        keeping(),
        ("message-stores/queue.xml", STORE.to_owned()),
        ("endpoints/notes.xml", notes.endpoint()),
        ("message-processors/forward.xml", processor("<parameter name=\"max.delivery.attempts\">-1</parameter>")),
    ];
    for (path, text) in &artifacts {
        super::harness::put(home.path(), path, text);
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["beside::crash_child", "--exact", "--nocapture"])
        .env(CHILD, home.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut kept = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap_or_default();
        let Some(number) = line.strip_prefix("kept ") else { continue };
        kept = number.parse::<i64>().unwrap();
        if kept >= 60 {
            // SIGKILL on Unix, in the middle of storing and forwarding.
            child.kill().unwrap();
            break;
        }
    }
    child.wait().unwrap();
    assert!(kept >= 60, "the child ended on its own after {kept}");
    let second = integrator(home.path()).await;
    until("the store is empty", async || second.stores().await[0].messages == Some(0)).await;
    let mut order = notes.numbers();
    // At least once: a message may come twice, one after the other.
    order.dedup();
    let expected: Vec<i64> = (1..=*order.last().unwrap()).collect();
    assert_eq!(order, expected);
    assert!(*order.last().unwrap() >= kept, "{kept} were acknowledged");
    second.stop().await;
}
