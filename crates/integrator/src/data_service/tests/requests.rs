//! Forms of requests and answers, transactions, conditions, and what must not work.

use super::fixture::{Direct, Served, Tables, fresh};

const SERVICE: &str = r#"<data name="Staff" enableBatchRequests="true" enableBoxcarring="true" serviceNamespace="urn:staff">
  <config id="default"><property name="url">jdbc:h2:x</property></config>
  <query id="all"><sql>select employeeNumber, lastName, salary from Employees order by employeeNumber</sql>
    <result element="Staff" rowName="One"><attribute column="employeeNumber" name="id" xsdType="xs:integer"/>
      <element column="lastName" name="name" xsdType="xs:string"/><element column="salary" name="salary" xsdType="xs:double"/>
      <element column="lastName" name="secret" requiredRoles="admin"/></result></query>
  <query id="one"><sql>select lastName from Employees where employeeNumber = :id</sql>
    <param name="id" sqlType="INTEGER"><validateLongRange minimum="1" maximum="9999"/></param>
    <result element="Person"><element column="lastName" name="name" xsdType="string" export="lastName"/></result></query>
  <query id="named"><sql>select employeeNumber from Employees where lastName = :name</sql><param name="name" sqlType="STRING"/>
    <result outputType="json">{"Found": {"Person": [{"id": "$employeeNumber(type:integer)", "@one": "$employeeNumber->id"}]}}</result></query>
  <query id="add"><sql>insert into Employees (employeeNumber, lastName) values (?, ?)</sql>
    <param name="id" ordinal="1" sqlType="INTEGER"/><param name="name" ordinal="2" sqlType="STRING"><validateLength maximum="20"/></param></query>
  <query id="many"><sql>select count(*) as n from Employees where employeeNumber in (:ids)</sql>
    <param name="ids" sqlType="INTEGER" paramType="ARRAY"/>
    <result element="Count"><element column="n" name="n"/></result></query>
  <operation name="all"><call-query href="all"/></operation>
  <operation name="one"><call-query href="one"><with-param name="id" query-param="id"/></call-query></operation>
  <operation name="named"><call-query href="named"><with-param name="name" query-param="name"/></call-query></operation>
  <operation name="add" returnRequestStatus="true"><call-query href="add"><with-param name="id" query-param="id"/><with-param name="name" query-param="name"/></call-query></operation>
  <operation name="addExported"><call-query href="add"><with-param name="id" query-param="newId"/><with-param name="name" query-param="lastName"/></call-query></operation>
  <operation name="many"><call-query href="many"><with-param name="ids" query-param="ids"/></call-query></operation>
  <resource method="GET" path="people/{id}"><call-query href="one"><with-param name="id" query-param="id"/></call-query></resource>
  <resource method="GET" path="people/all"><call-query href="all"/></resource>
  <resource method="POST" path="people"><call-query href="add"><with-param name="id" query-param="id"/><with-param name="name" query-param="name"/></call-query></resource>
</data>"#;

struct Fixture {
    served: Served,
    direct: Direct,
    _folder: tempfile::TempDir,
}

async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let (direct, source) = fresh(folder.path(), Tables::Models, None).await;
    Fixture { served: Served::new(SERVICE, folder.path(), &source).unwrap(), direct, _folder: folder }
}

impl Fixture {
    async fn count(&self) -> String {
        self.direct.run("select cast(count(*) as text) from Employees").await.unwrap()[0][0].clone().unwrap()
    }
}

const JSON: (&str, &str) = ("Content-Type", "application/json");

#[tokio::test]
async fn one_operation_in_every_form() {
    let all = fixture().await;
    let xml = r#"<Person xmlns="urn:staff"><name>Murphy</name></Person>"#;
    let one = r#"<p:one xmlns:p="urn:staff"><p:id>1002</p:id></p:one>"#;
    assert_eq!(all.served.post(one).await, (200, xml.to_owned()));
    for (method, target, headers, body, expected) in [
        ("GET", "/services/Staff/people/1002", &[][..], "", xml),
        ("GET", "/services/Staff/one?id=1002", &[], "", xml),
        (
            "GET",
            "/services/Staff/people/1002?id=1",
            &[("Accept", "application/json")],
            "",
            r#"{"Person":{"name":"Murphy"}}"#,
        ),
        ("POST", "/services/Staff", &[JSON], r#"{"one": {"id": 1002}}"#, r#"{"Person":{"name":"Murphy"}}"#),
        ("POST", "/services/Staff/one", &[("Content-Type", "application/x-www-form-urlencoded")], "id=1002", xml),
    ] {
        assert_eq!(
            all.served.ask(method, target, headers, body).await,
            (200, expected.to_owned()),
            "{method} {target}"
        );
    }
    let soap = format!(
        r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{one}</s:Body></s:Envelope>"#
    );
    let headers = [("Content-Type", "text/xml"), ("SOAPAction", "\"urn:one\"")];
    let (status, answer) = all.served.ask("POST", "/services/Staff.SOAP11Endpoint", &headers, &soap).await;
    assert!(status == 200 && answer.contains("Envelope") && answer.contains("<name>Murphy</name>"), "{answer}");
}

#[tokio::test]
async fn rows_are_typed_and_fields_for_roles_are_left_out() {
    let all = fixture().await;
    let accept = [("Accept", "application/json")];
    let (_, answer) = all.served.ask("GET", "/services/Staff/people/all", &accept, "").await;
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["Staff"]["One"][1], serde_json::json!({"@id": "1002", "name": "Murphy", "salary": 1000.5}));
    assert_eq!(answer["Staff"]["One"][0]["salary"], serde_json::Value::Null);
    // A list of one stays a list when the template says so, and a query in a row gives its result.
    let (_, answer) = all.served.ask("POST", "/services/Staff", &[JSON], r#"{"named":{"name":"O'Brien"}}"#).await;
    assert_eq!(answer, r#"{"Found":{"Person":[{"id":1,"Person":{"name":"O'Brien"}}]}}"#);
}

#[tokio::test]
async fn values_cannot_become_statements() {
    let all = fixture().await;
    for attack in ["x' or '1'='1", "x'; drop table Employees; --", "\\'; select 1; --", "?", ":name", "$1"] {
        let body = serde_json::json!({"named": {"name": attack}}).to_string();
        let (status, answer) = all.served.ask("POST", "/services/Staff", &[JSON], &body).await;
        assert_eq!((status, answer.as_str()), (200, r#"{"Found":{}}"#), "{attack}");
    }
    for attack in ["1 or 1=1", "1;--", "(select 1)", ""] {
        let body = serde_json::json!({"one": {"id": attack}}).to_string();
        assert_eq!(all.served.ask("POST", "/services/Staff", &[JSON], &body).await.0, 400, "{attack}");
    }
    assert_eq!(all.count().await, "3");
}

#[tokio::test]
async fn a_batch_happens_as_a_whole_or_not_at_all() {
    let all = fixture().await;
    let entry = |id: u32, name: &str| format!("<add><id>{id}</id><name>{name}</name></add>");
    let batch = |inner: String| format!("<add_batch_req>{inner}</add_batch_req>");
    let (status, answer) = all.served.post(&batch(entry(7, "a") + &entry(8, "b"))).await;
    assert!(status == 200 && answer.contains("SUCCESSFUL"), "{answer}");
    assert_eq!(all.count().await, "5");
    // The second breaks the key, a condition, or is of another operation.
    for wrong in [entry(7, "again"), entry(9, "a name that is longer than twenty"), "<one><id>1</id></one>".to_owned()]
    {
        let (status, answer) = all.served.post(&batch(entry(20, "c") + &wrong)).await;
        assert!((400..=500).contains(&status), "{answer}");
        assert!(!answer.contains("UNIQUE"), "the database's words are for the log: {answer}");
    }
    assert_eq!(all.count().await, "5");
    let json = r#"{"_postpeople_batch_req":{"_postpeople":[{"id":30,"name":"x"},{"id":31,"name":"y"}]}}"#;
    assert_eq!(all.served.ask("POST", "/services/Staff/people_batch_req", &[JSON], json).await, (202, String::new()));
    assert_eq!(all.count().await, "7");
}

#[tokio::test]
async fn a_box_passes_exports_on_and_is_undone_together() {
    let all = fixture().await;
    let good = "<request_box><one><id>1002</id></one><addExported><newId>40</newId></addExported></request_box>";
    let (status, answer) = all.served.post(good).await;
    assert!(status == 200 && answer.contains("DATA_SERVICE_REQUEST_BOX_RESPONSE"), "{answer}");
    let added = all.direct.run("select lastName from Employees where employeeNumber = 40").await.unwrap();
    assert_eq!(added, [[Some("Murphy".to_owned())]]);
    let bad = "<request_box><add><id>41</id><name>x</name></add><add><id>41</id><name>x</name></add></request_box>";
    assert_eq!(all.served.post(bad).await.0, 500);
    assert_eq!(all.count().await, "4");
}

#[tokio::test]
async fn lists_are_bound_one_by_one() {
    let all = fixture().await;
    let (_, answer) = all.served.post("<many><ids>1</ids><ids>1002</ids><ids>5</ids></many>").await;
    assert_eq!(answer, r#"<Count xmlns="urn:staff"><n>2</n></Count>"#);
    let (_, answer) = all.served.ask("POST", "/services/Staff", &[JSON], r#"{"many":{"ids":[1,1056]}}"#).await;
    assert_eq!(answer, r#"{"Count":{"n":2}}"#);
}

#[tokio::test]
async fn wrong_requests_are_told_what_is_wrong() {
    let all = fixture().await;
    for (method, target, headers, body, status, code) in [
        ("POST", "/services/Staff", &[JSON][..], r#"{"nothing":{}}"#, 404, "UNKNOWN_ERROR"),
        ("POST", "/services/Staff", &[JSON], "{", 400, "INCOMPATIBLE_PARAMETERS_ERROR"),
        ("POST", "/services/Staff", &[JSON], r#"{"one":{}}"#, 400, "id is missing"),
        ("POST", "/services/Staff", &[JSON], r#"{"one":{"id":[1,2]}}"#, 400, "more than once"),
        ("POST", "/services/Staff", &[JSON], r#"{"one":{"id":{"x":1}}}"#, 400, "not a value"),
        ("POST", "/services/Staff", &[JSON], r#"{"one":{"id":0}}"#, 400, "VALIDATION_ERROR"),
        ("DELETE", "/services/Staff/people/1", &[], "", 404, "no resource"),
        ("POST", "/services/Staff", &[("Content-Type", "image/png")], "x", 400, "content type"),
        ("POST", "/services/Staff", &[], "", 404, "no operation"),
    ] {
        let (given, answer) = all.served.ask(method, target, headers, body).await;
        assert!(given == status && answer.contains(code), "{method} {target} {body}: {given} {answer}");
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_unavailable_and_stays_unnamed() {
    let folder = tempfile::tempdir().unwrap();
    let (_, source) = fresh(folder.path(), Tables::Models, None).await;
    for url in [
        "jdbc:h2:file:x",
        "jdbc:sqlite:../x.db",
        "jdbc:postgresql://127.0.0.1:1/none",
        "jdbc:postgresql://203.0.113.1/x",
    ] {
        let source = crate::settings::DataSource { url: url.to_owned(), ..source.clone() };
        let served = Served::new(SERVICE, folder.path(), &source).unwrap();
        let (status, answer) = served.post("<all/>").await;
        assert!(status == 503 && !answer.contains("203.0") && !answer.contains("h2"), "{url}: {status} {answer}");
    }
}

#[tokio::test]
async fn a_csv_file_is_a_table_and_other_files_are_not() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("files")).unwrap();
    std::fs::write(folder.path().join("files/p.csv"), "code,name\n1,\"a, b\"\n2,c\n3,d\n").unwrap();
    let (_, source) = fresh(folder.path(), Tables::Models, None).await;
    let text = |path: &str| {
        format!(
            r#"<data name="Csv"><config id="default"><property name="csv_datasource">{path}</property><property name="csv_columnseperator">,</property>
            <property name="csv_startingrow">2</property><property name="csv_maxrowcount">2</property><property name="csv_hasheader">true</property></config>
            <query id="q"><result element="L" rowName="P"><element column="name" name="n"/></result></query>
            <operation name="l"><call-query href="q"/></operation></data>"#
        )
    };
    let served = Served::new(&text("./files/p.csv"), folder.path(), &source).unwrap();
    let expected = r#"<L xmlns="http://ws.wso2.org/dataservice"><P><n>a, b</n></P><P><n>c</n></P></L>"#;
    assert_eq!(served.post("<l/>").await, (200, expected.to_owned()));
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("files/link.csv")).unwrap();
    for path in ["/etc/passwd", "../../etc/passwd", "files/link.csv", "http://127.0.0.1/x.csv", "files/none.csv"] {
        let served = Served::new(&text(path), folder.path(), &source).unwrap();
        let (status, answer) = served.post("<l/>").await;
        assert!(status == 503 && !answer.contains("root"), "{path}: {answer}");
    }
}
