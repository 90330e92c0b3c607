//! Deploying: whole or not at all, while messages come in.

use std::io::Write as _;
use std::time::{Duration, Instant};

use integrator::DeployError;

use crate::harness::{Running, api};

fn answering(name: &str, status: u16) -> String {
    api(&format!("<property name=\"HTTP_SC\" value=\"{status}\" scope=\"axis2\"/><respond/>"))
        .replace("name=\"t\" context=\"/t\"", &format!("name=\"{name}\" context=\"/{name}\""))
        .replace("@NS", "xmlns=\"http://ws.apache.org/ns/synapse\"")
}

/// A Carbon application: name, and for each artifact its name, type and text.
fn car(name: &str, members: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut put = |path: &str, text: &str| {
        archive.start_file(path, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    };
    let dependencies: String = members
        .iter()
        .map(|(name, ..)| format!("<dependency artifact=\"{name}\" version=\"1\" include=\"true\"/>"))
        .collect();
    put(
        "artifacts.xml",
        &format!(
            "<artifacts><artifact name=\"{name}\" version=\"1\" type=\"carbon/application\">{dependencies}</artifact></artifacts>"
        ),
    );
    for (name, kind, text) in members {
        let file = if *kind == "registry/resource" { "registry-info.xml" } else { "a.xml" };
        put(
            &format!("{name}_1/artifact.xml"),
            &format!("<artifact name=\"{name}\" version=\"1\" type=\"{kind}\"><file>{file}</file></artifact>"),
        );
        if *kind == "registry/resource" {
            put(
                &format!("{name}_1/registry-info.xml"),
                &format!("<resources><item><file>r.txt</file><path>/_system/config/{name}</path></item></resources>"),
            );
            put(&format!("{name}_1/resources/r.txt"), text);
        } else {
            put(&format!("{name}_1/a.xml"), text);
        }
    }
    archive.finish().unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_come_change_and_go_whole() {
    let running = Running::start(&[]).await;
    let status = async |path: &str| running.get(path).await.status;
    let both =
        car("app", &[("one", "synapse/api", &answering("one", 201)), ("two", "synapse/api", &answering("two", 202))]);
    running.integrator.deploy("app_1.car", &both).await.unwrap();
    assert_eq!((status("/one").await, status("/two").await), (201, 202));
    let names: Vec<String> = running.integrator.current().applications.iter().map(|a| a.name.clone()).collect();
    assert_eq!(names, ["app"]);
    // A faulty version changes nothing, and says where the fault is.
    let faulty = car(
        "app",
        &[
            ("one", "synapse/api", &answering("one", 203)),
            (
                "two",
                "synapse/api",
                "<api xmlns=\"http://ws.apache.org/ns/synapse\"\n name=\"two\" context=\"/two\"><resource methods=\"GET\" url-mapping=\"/*\"><inSequence>\n<nonsense/></inSequence></resource></api>",
            ),
        ],
    );
    let Err(DeployError::Refused(faults)) = running.integrator.deploy("app_1.car", &faulty).await else {
        panic!("deployed")
    };
    assert!(
        faults.iter().any(|f| f.path.ends_with("app_1.car!/two_1/a.xml") && f.line == 3 && f.part == "nonsense"),
        "{faults:?}"
    );
    assert_eq!((status("/one").await, status("/two").await), (201, 202));
    assert_eq!(
        std::fs::read(running.home.path().join("repository/deployment/server/carbonapps/app_1.car")).unwrap(),
        both
    );
    // A later one replaces it, and takes away what it no longer has.
    let later = car("app", &[("one", "synapse/api", &answering("one", 206))]);
    running.integrator.deploy("app_1.car", &later).await.unwrap();
    assert_eq!((status("/one").await, status("/two").await), (206, 404));
    // An artifact of the same name in another application is refused.
    let clash = car("other", &[("one", "synapse/api", &answering("one", 207))]);
    let Err(DeployError::Refused(faults)) = running.integrator.deploy("other.car", &clash).await else {
        panic!("deployed")
    };
    assert!(faults[0].what.contains("app_1.car"), "{faults:?}");
    assert_eq!(status("/one").await, 206);
    running.integrator.undeploy("app").await.unwrap();
    assert_eq!(status("/one").await, 404);
    assert!(matches!(running.integrator.undeploy("app").await, Err(DeployError::Unknown(_))));
    for name in ["../x.car", "x.zip", ".car", "a/b.car", "", "a\0.car"] {
        assert!(matches!(running.integrator.deploy(name, &later).await, Err(DeployError::Name(_))), "{name:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn archives_that_are_none() {
    let running = Running::start(&[]).await;
    let java = car("j", &[("lib", "lib/synapse/mediator", "x")]);
    let unknown = car("u", &[("what", "some/thing", "x")]);
    let mut cut = car("c", &[("one", "synapse/api", &answering("one", 201))]);
    cut.truncate(cut.len() / 2);
    let mut outside = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    outside.start_file("../../evil.xml", zip::write::SimpleFileOptions::default()).unwrap();
    outside.write_all(b"x").unwrap();
    let mut bomb = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    bomb.start_file("artifacts.xml", zip::write::SimpleFileOptions::default()).unwrap();
    bomb.write_all(&vec![b' '; 40 << 20]).unwrap();
    let files = [
        (java, "Java"),
        (unknown, "some/thing"),
        (cut, "archive"),
        (b"no archive".to_vec(), "archive"),
        (outside.finish().unwrap().into_inner(), "outside"),
        (bomb.finish().unwrap().into_inner(), "larger"),
    ];
    for (bytes, word) in files {
        let Err(DeployError::Refused(faults)) = running.integrator.deploy("x.car", &bytes).await else {
            panic!("{word}: deployed")
        };
        assert!(faults.iter().any(|fault| fault.what.contains(word)), "{word}: {faults:?}");
    }
    assert!(running.integrator.current().artifacts.is_empty());
    assert!(!running.home.path().join("repository/deployment/server/carbonapps/x.car").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resources_of_applications_and_of_the_disk_are_read() {
    let flow = "<property name=\"a\" expression=\"get-property('registry', 'conf:res/r.txt')\"/>\
                <property name=\"b\" expression=\"get-property('registry', 'gov:disk.txt')\"/>\
                <payloadFactory media-type=\"text\"><format>$1-$2</format><args><arg expression=\"get-property('a')\"/>\
                <arg expression=\"get-property('b')\"/></args></payloadFactory>\
                <property name=\"messageType\" value=\"text/plain\" scope=\"axis2\"/><respond/>";
    let running =
        Running::start(&[("api/t.xml", api(flow)), ("/registry/governance/disk.txt", "disk".to_owned())]).await;
    running.integrator.deploy("r.car", &car("r", &[("res", "registry/resource", "archive")])).await.unwrap();
    assert_eq!(running.get("/t").await.body, "archive-disk");
    running.integrator.undeploy("r").await.unwrap();
    assert_eq!(running.get("/t").await.body, "-disk");
}

async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !is().await {
        assert!(started.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_deployed_while_messages_come_in() {
    let running = Running::start(&[("api/a.xml", answering("a", 201)), ("api/b.xml", answering("b", 202))]).await;
    let (told, mut reports) = tokio::sync::mpsc::channel(16);
    running.integrator.watch(move |report| drop(told.try_send(report.clone())));
    let (address, stop) = (running.address, std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)));
    let stopped = std::sync::Arc::clone(&stop);
    let traffic = tokio::spawn(async move {
        let mut statuses = std::collections::BTreeSet::new();
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            statuses.insert(crate::harness::request(address, "GET", "/a", &[], b"").await.status);
        }
        statuses
    });
    running.put("api/a.xml", &answering("a", 206));
    until("a changes", async || running.get("/a").await.status == 206).await;
    // A faulty file leaves what was there.
    running.put("api/a.xml", "<api");
    let report = loop {
        let report = reports.recv().await.unwrap();
        if !report.refused.is_empty() {
            break report;
        }
    };
    assert!(report.refused[0].keeps_serving && report.refused[0].path.ends_with("api/a.xml"), "{report:?}");
    assert_eq!(running.get("/a").await.status, 206);
    running.remove("api/b.xml");
    until("b goes", async || running.get("/b").await.status == 404).await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let statuses: Vec<u16> = traffic.await.unwrap().into_iter().collect();
    assert_eq!(statuses, [201, 206]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_faulty_file_is_named_and_the_others_are_deployed() {
    let entry = "<localEntry xmlns=\"http://ws.apache.org/ns/synapse\" key=\"k\">v</localEntry>";
    let running = Running::start(&[
        ("api/good.xml", answering("good", 201)),
        ("api/bad.xml", answering("bad", 201).replace("<respond/>", "<class name=\"a.B\"/>")),
        ("local-entries/k.xml", entry.to_owned()),
        ("local-entries/again.xml", entry.to_owned()),
    ])
    .await;
    let refused: Vec<String> =
        running.report.refused.iter().map(|r| r.path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(refused.len(), 2, "{:?}", running.report);
    assert!(refused.contains(&"bad.xml".to_owned()));
    assert_eq!(running.get("/good").await.status, 201);
    assert_eq!(running.get("/bad").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_leaves_alone_what_others_remember() {
    let backend = crate::backend::Backend::start().await;
    let member =
        |name: &str| format!("<endpoint><address uri=\"http://{}/named/{name}\"/></endpoint>", backend.address());
    let group =
        format!("<endpoint @NS name=\"g\"><loadbalance>{}{}</loadbalance></endpoint>", member("one"), member("two"));
    let flow = api("<call><endpoint key=\"g\"/></call><respond/>");
    let running = Running::start(&[("endpoints/g.xml", group), ("api/t.xml", flow)]).await;
    assert_eq!(running.get("/t").await.body, r#"{"by":"one"}"#);
    running.put("api/more.xml", &answering("more", 201));
    running.integrator.rescan().await;
    assert_eq!(running.get("/more").await.status, 201);
    assert_eq!(running.get("/t").await.body, r#"{"by":"two"}"#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_of_the_corpus_deploy_or_say_why_not() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/car");
    let Ok(entries) = std::fs::read_dir(&corpus) else {
        println!("skipped: no corpus at {}", corpus.display());
        return;
    };
    let (mut deployed, mut refused) = (0, 0);
    for file in entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "car"))
    {
        let running = Running::start(&[("api/t.xml", answering("t", 201))]).await;
        match running.integrator.deploy("a.car", &std::fs::read(&file).unwrap()).await {
            Ok(report) => {
                assert!(report.refused.is_empty());
                deployed += 1;
            }
            Err(DeployError::Refused(faults)) => {
                assert!(faults.iter().all(|fault| !fault.what.is_empty()), "{}", file.display());
                assert_eq!(running.integrator.current().artifacts.len(), 1);
                refused += 1;
            }
            Err(error) => panic!("{}: {error}", file.display()),
        }
        assert_eq!(running.get("/t").await.status, 201, "{}", file.display());
        running.integrator.stop().await;
    }
    println!("{deployed} applications are deployed, {refused} refused with a reason");
    assert!(deployed > refused);
}
