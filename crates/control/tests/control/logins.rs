//! Logging in without a secret: with a certificate, or as somebody whom another issuer knows. And tokens that
//! are good at every process of one database.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use isobar_control::{Control, ControlOptions, GivenCertificate, KeysError, Running};
use isobar_records::testing::TestDatabase;
use rcgen::{CertificateParams, KeyPair};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::client::{Answer, Client};
use crate::common::machines::Machines;
use crate::common::people::{self, Person};
use crate::common::{World, options_in, start_in};

const SUBSCRIPTIONS: &str = "/subscriptions?api-version=2022-12-01";
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Asks for a token with an assertion.
async fn ask(stranger: &Client, client: &str, assertion: &str) -> Answer {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", client)
        .append_pair("client_assertion_type", TYPE)
        .append_pair("client_assertion", assertion)
        .append_pair("grant_type", "client_credentials")
        .append_pair("scope", &format!("{}/.default", stranger.url))
        .finish();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    stranger.send("POST", "/adfs/oauth2/token", &headers, form.as_bytes()).await
}

/// What a client signs about itself.
fn assertion(client: &str, audience: &str, now_s: i64, pem: &str, key: &KeyPair) -> String {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
    let sha1 = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &der);
    let header = json!({"alg": "ES256", "typ": "JWT", "x5t": URL_SAFE_NO_PAD.encode(sha1)});
    let claims = json!({
        "iss": client, "sub": client, "aud": audience, "exp": now_s + 600, "nbf": now_s, "jti": "1",
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.serialize_der(), &random);
    let signature = key.expect("a key").sign(&random, signed.as_bytes()).expect("signed");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

async fn a_certificate_logs_in_until_it_is_taken_away(database: TestDatabase) {
    let world = World::start(&database).await;
    let person = people::make(&world, "robot").await;
    let stranger = Client::of(&world.running);
    let key = KeyPair::generate().expect("a key");
    let pem = CertificateParams::default().self_signed(&key).expect("a certificate").pem();
    let at = format!("/v1.0/servicePrincipals/{}", person.object_id);
    let endpoint = format!("{}/adfs/oauth2/token", world.running.url);
    let now_s = now_s_here();
    let signed = assertion(&person.app_id, &endpoint, now_s, &pem, &key);
    ask(&stranger, &person.app_id, &signed).await.expect(401);
    let given = json!({"key": pem, "displayName": "laptop"});
    person
        .client
        .json("POST", &format!("{at}/addKey"), given.clone())
        .await
        .refused(403, "AuthorizationFailed");
    let kept = world.client.json("POST", &format!("{at}/addKey"), given).await.expect(200).body;
    let shown = world.client.get(&at).await.expect(200).body;
    assert_eq!(shown["keyCredentials"], json!([kept]));
    assert_eq!(
        person.client.get(&at).await.expect(200).body["keyCredentials"],
        json!([]),
        "for owners alone"
    );
    let token = ask(&stranger, &person.app_id, &signed).await.expect(200).body;
    let token = token["access_token"].as_str().expect("a token");
    stranger.with_token(token).get(SUBSCRIPTIONS).await.expect(200);
    // For somebody else, of somebody else, at another time.
    let (administrator, _) = &world.first;
    ask(&stranger, administrator, &signed).await.expect(401);
    for (client, audience, at_s, words) in [
        (&person.app_id, "https://login.example/oauth2/token", now_s, "another audience"),
        (administrator, endpoint.as_str(), now_s, "another issuer"),
        (&person.app_id, endpoint.as_str(), now_s - 700, "expired"),
        (&person.app_id, endpoint.as_str(), now_s + 3600, "not valid yet"),
    ] {
        let wrong = assertion(client, audience, at_s, &pem, &key);
        let refused = ask(&stranger, &person.app_id, &wrong).await.expect(401);
        let said = refused.body["error_description"].as_str().expect("words");
        assert!(said.contains(words), "{words}: {said}");
    }
    let gone = json!({"keyId": kept["keyId"]});
    world.client.json("POST", &format!("{at}/removeKey"), gone.clone()).await.expect(204);
    world.client.json("POST", &format!("{at}/removeKey"), gone).await.expect(400);
    ask(&stranger, &person.app_id, &signed).await.expect(401);
}

fn now_s_here() -> i64 {
    use isobar_workflow::{Clock, SystemClock};
    SystemClock.now_ms() / 1000
}

async fn what_is_no_certificate_is_not_kept(database: TestDatabase) {
    let world = World::start(&database).await;
    let person = people::make(&world, "robot").await;
    let at = format!("/v1.0/servicePrincipals/{}/addKey", person.object_id);
    let mut params = CertificateParams::default();
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let ended = params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate").pem();
    for (body, words) in [
        (json!({}), "key"),
        (json!({"key": "x"}), "'key' must be a certificate"),
        (json!({"key": 7}), "'key' must be a string"),
        (json!({"key": ended}), "has ended"),
        (json!({"key": ended, "proof": "x"}), "proof"),
    ] {
        let refused = world.client.json("POST", &at, body.clone()).await.expect(400);
        assert!(refused.body.to_string().contains(words), "{body}: {refused:?}");
    }
}

/// Another control plane: an issuer as others are, with its own certificate and people.
struct Issuer {
    running: Running,
    folder: TempDir,
    /// A token about whom, and the subject that it has.
    token: String,
    subject: String,
}

impl Issuer {
    async fn start() -> Issuer {
        let folder = tempfile::tempdir().expect("a folder");
        let options = ControlOptions::new("127.0.0.1:0".parse().expect("an address"), folder.path());
        let mut running = Control::start(options).await.expect("it starts");
        let first = running.first_secret.take().expect("a first start");
        let client = Client::of(&running).login(&first.client_id, &first.secret).await;
        let all = client.get("/v1.0/servicePrincipals").await.expect(200).body;
        let subject = all["value"][0]["id"].as_str().expect("an id").to_owned();
        Issuer { running, folder, token: client.token.expect("a token"), subject }
    }

    fn name(&self) -> String {
        format!("{}/{}/v2.0", self.running.url, self.running.tenant)
    }

    /// What it says of whom, as a federated credential.
    fn federation(&self) -> Value {
        json!({
            "name": "elsewhere", "issuer": self.name(), "subject": self.subject, "audiences": [self.running.url],
        })
    }

    /// A world that trusts its certificate.
    async fn trusted_by<'d>(&self, database: &'d TestDatabase) -> World<'d> {
        let mut world = World::start(database).await;
        let mut options = options_in(world.folder.path(), database, &world.clock, world.machines.hands());
        let authority = self.running.ca_file.as_ref().expect("an authority");
        options.authorities = Some(std::fs::read_to_string(authority).expect("PEM"));
        world.running = Control::start(options).await.expect("it starts");
        let (client, secret) = &world.first;
        world.client = Client::of(&world.running).login(client, secret).await;
        world
    }
}

async fn federated(world: &World<'_>, issuer: &Issuer) -> (Person, String) {
    let person = people::make(world, "guest").await;
    let at = format!("/v1.0/servicePrincipals/{}/federatedIdentityCredentials", person.object_id);
    world.client.put(&format!("{at}/elsewhere"), issuer.federation()).await.expect(201);
    (person, at)
}

async fn somebody_of_another_issuer_is_a_principal_here(database: TestDatabase) {
    let issuer = Issuer::start().await;
    let world = issuer.trusted_by(&database).await;
    let stranger = Client::of(&world.running);
    let guest = stranger.with_token(&issuer.token);
    let said = guest.get(SUBSCRIPTIONS).await.refused(401, "InvalidAuthenticationToken");
    assert!(said.body.to_string().contains("no service principal has a federated credential"), "{said:?}");
    let (person, at) = federated(&world, &issuer).await;
    // As a bearer token, and as what proves who a client is.
    assert_eq!(guest.get(SUBSCRIPTIONS).await.expect(200).body["value"], json!([]), "nothing is allowed yet");
    let scope = format!("/subscriptions/{}", world.subscription);
    people::give(&world.client, &person, people::READER, &scope, 7).await.expect(201);
    assert_eq!(guest.get(SUBSCRIPTIONS).await.expect(200).body["value"].as_array().map(Vec::len), Some(1));
    let made = guest.put(&world.group("rg1"), json!({"location": "uksouth"})).await;
    made.refused(403, "AuthorizationFailed");
    let token = ask(&stranger, &person.app_id, &issuer.token).await.expect(200).body;
    let ours = stranger.with_token(token["access_token"].as_str().expect("a token"));
    ours.get(SUBSCRIPTIONS).await.expect(200);
    let (administrator, _) = &world.first;
    ask(&stranger, administrator, &issuer.token).await.expect(401);
    // In lists, and never a second one; then it is gone.
    let listed = world.client.get(&at).await.expect(200).body;
    assert_eq!(listed["value"], json!([issuer.federation()]));
    let other = people::make(&world, "other").await;
    let others = format!("/v1.0/servicePrincipals/{}/federatedIdentityCredentials", other.object_id);
    world.client.put(&format!("{others}/mine"), issuer.federation()).await.expect(409);
    world.client.delete(&format!("{at}/elsewhere")).await.expect(204);
    world.client.delete(&format!("{at}/elsewhere")).await.expect(204);
    guest.get(SUBSCRIPTIONS).await.expect(401);
    ask(&stranger, &person.app_id, &issuer.token).await.expect(401);
}

async fn a_token_of_another_issuer_is_checked(database: TestDatabase) {
    let issuer = Issuer::start().await;
    let world = issuer.trusted_by(&database).await;
    let (person, at) = federated(&world, &issuer).await;
    let stranger = Client::of(&world.running);
    let tried = async |token: &str| stranger.with_token(token).get(SUBSCRIPTIONS).await;
    tried(&issuer.token).await.expect(200);
    let (signed, signature) = issuer.token.rsplit_once('.').expect("parts");
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{signed}.{other}{}", &signature[1..]);
    let said = tried(&forged).await.expect(401);
    assert!(said.body.to_string().contains("signature"), "{said:?}");
    // Another issuer cannot say that it is this one.
    let liar = Issuer::start().await;
    let claims = signed.split_once('.').expect("parts").1;
    let header = liar.token.split_once('.').expect("parts").0;
    tried(&format!("{header}.{claims}.{signature}")).await.expect(401);
    // For another audience.
    let mut wanted = issuer.federation();
    wanted["audiences"] = json!(["api://somebody"]);
    world.client.put(&format!("{at}/elsewhere"), wanted).await.expect(200);
    assert!(tried(&issuer.token).await.expect(401).body.to_string().contains("another audience"));
    world.client.put(&format!("{at}/elsewhere"), issuer.federation()).await.expect(200);
    tried(&issuer.token).await.expect(200);
    world.clock.advance(3_700_000);
    tried(&issuer.token).await.refused(401, "ExpiredAuthenticationToken");
    // Whose principal is gone is nobody, and may be somebody else's.
    let client = Client::of(&world.running).login(&world.first.0, &world.first.1).await;
    client.delete(&format!("/v1.0/servicePrincipals/{}", person.object_id)).await.expect(204);
    let said = tried(&issuer.token).await.expect(401);
    assert!(said.body.to_string().contains("no service principal has"), "{said:?}");
}

async fn an_issuer_that_is_away_is_believed_by_the_keys_that_are_known(database: TestDatabase) {
    let issuer = Issuer::start().await;
    let world = issuer.trusted_by(&database).await;
    federated(&world, &issuer).await;
    let guest = Client::of(&world.running).with_token(&issuer.token);
    guest.get(SUBSCRIPTIONS).await.expect(200);
    let Issuer { running, folder, .. } = issuer;
    running.stop().await;
    guest.get(SUBSCRIPTIONS).await.expect(200);
    // Nothing is known of this one but its name.
    let never = Issuer::start().await;
    let person = people::make(&world, "never").await;
    let at = format!("/v1.0/servicePrincipals/{}/federatedIdentityCredentials", person.object_id);
    world.client.put(&format!("{at}/never"), never.federation()).await.expect(201);
    let token = never.token.clone();
    never.running.stop().await;
    let away = Client::of(&world.running).with_token(&token).get(SUBSCRIPTIONS).await;
    let away = away.refused(503, "ServiceUnavailable");
    assert!(!away.header("retry-after").is_empty());
    drop(folder);
}

async fn a_federated_credential_names_an_issuer_and_a_subject(database: TestDatabase) {
    let world = World::start(&database).await;
    let person = people::make(&world, "guest").await;
    let at = format!("/v1.0/servicePrincipals/{}/federatedIdentityCredentials", person.object_id);
    let github = format!("{at}/github");
    let good = || json!({"issuer": "https://token.example", "subject": "repo:a/b:ref:main"});
    for (name, value, words) in [
        ("issuer", json!("http://token.example"), "'issuer' must be an address"),
        ("issuer", json!(world.running.url.clone() + "/" + &world.running.tenant + "/v2.0"), "itself"),
        ("subject", json!("a\nb"), "'subject' must not have control characters"),
        ("subject", Value::Null, "subject"),
        ("audiences", json!(["a", "b"]), "'audiences'"),
        ("secret", json!("x"), "secret"),
    ] {
        let mut body = good();
        body[name] = value;
        let refused = world.client.put(&github, body.clone()).await.expect(400);
        assert!(refused.body.to_string().contains(words), "{body}: {refused:?}");
    }
    world.client.put(&format!("{at}/x"), good()).await.expect(400);
    let made = world.client.put(&github, good()).await.expect(201).body;
    world.client.put(&github, made.clone()).await.expect(200);
    assert_eq!(made["audiences"], json!(["api://AzureADTokenExchange"]));
    person.client.put(&github, good()).await.refused(403, "AuthorizationFailed");
    person.client.get(&at).await.refused(403, "AuthorizationFailed");
}

async fn a_token_is_good_at_every_process_of_a_database(database: TestDatabase) {
    let world = World::start(&database).await;
    let folder = tempfile::tempdir().expect("a folder");
    let refused =
        Control::start(options_in(folder.path(), &database, &world.clock, Machines::default().hands()));
    let refused = refused.await.err().expect("another sealing key").to_string();
    assert_eq!(refused, KeysError::OtherKey.to_string());
    world.client.get(SUBSCRIPTIONS).await.expect(200);
    // What another machine is given.
    std::fs::copy(world.folder.path().join("sealing-key"), folder.path().join("sealing-key"))
        .expect("a copy");
    let other = start_in(folder.path(), &database, &world.clock, world.machines.hands()).await;
    let pem = |running: &Running| std::fs::read(running.ca_file.as_ref().expect("one")).expect("PEM");
    assert_eq!(pem(&other), pem(&world.running), "clients trust one authority");
    // They have different addresses here; behind one name, tokens for it are good at both.
    let (client, secret) = &world.first;
    let scope = format!("{}/.default", other.url);
    let keys = |client: &Client| format!("/{}/discovery/v2.0/keys", client.tenant);
    let (here, there) = (Client::of(&world.running), Client::of(&other));
    let of = async |client: &Client| client.get(&keys(client)).await.expect(200).body;
    assert_eq!(of(&here).await, of(&there).await);
    there.ask_token("/adfs/oauth2/token", client, secret, &scope).await.expect(200);
}

async fn a_given_certificate_is_served_and_no_other_is_to_be_trusted(database: TestDatabase) {
    let world = World::start(&database).await;
    let folder = world.folder.path();
    let mut options = options_in(folder, &database, &world.clock, world.machines.hands());
    let kept = tempfile::tempdir().expect("a folder");
    for name in ["server.pem", "server-key.pem"] {
        std::fs::copy(folder.join(name), kept.path().join(name)).expect("a copy");
    }
    let (certificate, key) = (kept.path().join("server.pem"), kept.path().join("server-key.pem"));
    options.certificate = Some(GivenCertificate { certificate, key });
    // Another name, which that certificate does not have: it is served all the same.
    options.names = vec!["control.example".to_owned()];
    let mut client = Client::of(&world.running);
    let given = Control::start(options).await.expect("it starts");
    assert!(
        given.ca_file.is_none() && !folder.join("ca.pem").exists(),
        "whoever finds it trusts nobody else"
    );
    let port = given.url.rsplit_once(':').expect("a port").1;
    client.url = format!("https://127.0.0.1:{port}");
    client.login(&world.first.0, &world.first.1).await.get(SUBSCRIPTIONS).await.expect(200);
    given.stop().await;
    let again = start_in(folder, &database, &world.clock, world.machines.hands()).await;
    assert!(again.ca_file.as_ref().is_some_and(|path| path.exists()));
}

async fn authorities_that_are_none_are_refused_at_the_start(database: TestDatabase) {
    let world = World::start(&database).await;
    let mut options = options_in(world.folder.path(), &database, &world.clock, world.machines.hands());
    options.authorities = Some("nothing".to_owned());
    let refused = Control::start(options).await.err().expect("it has none").to_string();
    assert!(refused.contains("authorities to trust: ") && refused.lines().count() == 1, "{refused}");
}

isobar_records::on_both_databases!(
    a_given_certificate_is_served_and_no_other_is_to_be_trusted,
    authorities_that_are_none_are_refused_at_the_start,
    a_certificate_logs_in_until_it_is_taken_away,
    what_is_no_certificate_is_not_kept,
    somebody_of_another_issuer_is_a_principal_here,
    a_token_of_another_issuer_is_checked,
    an_issuer_that_is_away_is_believed_by_the_keys_that_are_known,
    a_federated_credential_names_an_issuer_and_a_subject,
    a_token_is_good_at_every_process_of_a_database,
);
