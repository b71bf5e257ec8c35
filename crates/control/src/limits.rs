//! Bounds on everything that others can make grow, but the audit log, which is kept for ever.

use std::time::Duration;

/// Requests that are answered at the same time; further ones are told to come again.
pub const REQUESTS_AT_ONCE_MAX: usize = 256;
/// Connections that are open at the same time; further ones wait to be taken.
pub const CONNECTIONS_MAX: usize = 1024;
/// How long an answer may take.
pub const ANSWER_MAX: Duration = Duration::from_secs(60);
/// How long the body of a request may take to arrive.
pub const BODY_MAX: Duration = Duration::from_secs(30);
/// Bytes of a body that is read without asking; larger ones …
pub const SMALL_BODY_BYTES_MAX: u64 = 64 << 10;
/// … are read so many at the same time.
pub const LARGE_BODIES_AT_ONCE_MAX: usize = 16;
/// How long operations that have ended are remembered; clients expect a day.
pub const ENDED_OPERATIONS_KEPT: Duration = Duration::from_secs(7 * 86_400);
/// How often those that are older are forgotten.
pub const FORGET_EVERY: Duration = Duration::from_secs(3600);
/// How long a TLS handshake may take.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long a connection may be silent between requests, and take to send the head of one.
pub const HEAD_MAX: Duration = Duration::from_secs(75);
/// How long requests under way may go on when the server is told to stop.
pub const FAREWELL_MAX: Duration = Duration::from_secs(20);
/// Bytes of a request's head.
pub const HEAD_BYTES_MAX: usize = 64 << 10;
/// After how many seconds to come again when too much is going on.
pub const BUSY_RETRY_AFTER_S: u32 = 2;
/// After how many seconds to ask again how something stands.
pub const POLL_AFTER_S: u32 = 1;

/// Bytes of a query.
pub const QUERY_BYTES_MAX: usize = 16 << 10;
/// Parameters of a query or a form.
pub const PARAMETERS_MAX: usize = 64;
/// Bytes of a token.
pub const TOKEN_BYTES_MAX: usize = 8 << 10;
/// Bytes of a form that asks for a token. A client may prove itself with a token of others.
pub const FORM_BYTES_MAX: usize = 32 << 10;
/// Bytes of what a client calls its request.
pub const CLIENT_REQUEST_ID_BYTES_MAX: usize = 128;

/// How long a token is good.
pub const TOKEN_LIFE: Duration = Duration::from_secs(3600);
/// How much the clocks of two machines may differ.
pub const CLOCK_LEEWAY: Duration = Duration::from_secs(30);
/// Wrong secrets of one client from one address in a row, before it is told to wait …
pub const WRONG_SECRETS_MAX: u32 = 10;
/// … and how long until one more may be tried.
pub const WRONG_SECRET_EVERY: Duration = Duration::from_secs(6);
/// The same for all together.
pub const WRONG_SECRETS_OF_ALL_MAX: u32 = 1000;
/// The same for all together.
pub const WRONG_SECRET_OF_ALL_EVERY: Duration = Duration::from_millis(20);
/// Clients whose wrong secrets are counted one by one.
pub const WATCHED_CLIENTS_MAX: usize = 4096;
/// How long an assertion may be good that a client signs with its certificate.
pub const ASSERTION_LIFE_MAX: Duration = Duration::from_secs(3600);
/// Other issuers whose keys are kept.
pub const ISSUERS_MAX: usize = 256;
/// Keys of one of them.
pub const ISSUER_KEYS_MAX: usize = 64;
/// How long an issuer may take to answer.
pub const ISSUER_ANSWER_MAX: Duration = Duration::from_secs(10);
/// How long its keys are kept …
pub const ISSUER_KEYS_KEPT: Duration = Duration::from_secs(3600);
/// … and how soon they are read again, where a token names one that is not there …
pub const ISSUER_KEYS_AGAIN: Duration = Duration::from_secs(60);
/// … and how soon it is asked again while there are none …
pub const ISSUER_AWAY_AGAIN: Duration = Duration::from_secs(5);
/// … and how long they are good while it is away.
pub const ISSUER_KEYS_USABLE: Duration = Duration::from_secs(86_400);

/// Service principals.
pub const PRINCIPALS_MAX: u64 = 1000;
/// Ids that the directory is asked for at a time, as in Microsoft Graph.
pub const DIRECTORY_IDS_MAX: usize = 1000;
/// Secrets of one service principal at the same time.
pub const SECRETS_MAX: usize = 4;
/// Certificates of one service principal at the same time.
pub const CERTIFICATES_MAX: usize = 4;
/// Characters of a certificate.
pub const CERTIFICATE_CHARS_MAX: usize = 16 << 10;
/// Federated credentials of one service principal, as in Microsoft Graph.
pub const FEDERATIONS_MAX: usize = 20;
/// Characters of an issuer, a subject or an audience, as in Microsoft Graph.
pub const SUBJECT_CHARS_MAX: usize = 600;
/// Subscriptions.
pub const SUBSCRIPTIONS_MAX: u64 = 1000;
/// Resource groups of a subscription, as in ARM.
pub const GROUPS_MAX: u64 = 980;
/// Role assignments of the tenant itself, and of each subscription.
pub const ASSIGNMENTS_MAX: u64 = 2000;
/// Locks of one scope, as in ARM.
pub const LOCKS_OF_SCOPE_MAX: u64 = 20;
/// Locks of a subscription.
pub const LOCKS_MAX: u64 = 2000;
/// Characters of the notes of a lock or a role assignment, as in ARM.
pub const NOTES_CHARS_MAX: usize = 512;
/// Characters of a name that is shown to people.
pub const DISPLAY_NAME_CHARS_MAX: usize = 120;

/// Clusters of a subscription.
pub const CLUSTERS_MAX: u64 = 200;
/// Clusters that are looked at at the same time.
pub const LOOKS_AT_ONCE_MAX: usize = 8;
/// How long a look may take, with the wait for its turn.
pub const LOOK_MAX: Duration = Duration::from_secs(10);
/// How often a cluster is looked at that somebody asks for …
pub const LOOK_EVERY_ASKED: Duration = Duration::from_secs(2);
/// … or has asked for so lately.
pub const ASKED_LATELY: Duration = Duration::from_secs(60);
/// How often the others are looked at.
pub const LOOK_EVERY_ELSE: Duration = Duration::from_secs(30);
/// How often it is found out which clusters there are, and whose time has come.
pub const WATCH_EVERY: Duration = Duration::from_secs(1);
/// After how long it is tried again to wake clusters, where that did not work.
pub const WAKE_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Clusters to which connections are kept.
pub const CONNECTED_CLUSTERS_MAX: usize = 256;
/// How often a step that waits for a cluster looks at it.
pub const STEP_LOOKS_EVERY: Duration = Duration::from_millis(500);
/// How long a node or a new cluster may take until it serves, before whoever waits gives up.
pub const READY_MAX: Duration = Duration::from_secs(600);
/// Calls of a provider that fail in a row, before what can be undone is undone.
pub const PROVIDER_TRIES_MAX: i32 = 8;

/// Validations that a cluster remembers.
pub const VALIDATIONS_MAX: u64 = 100;
/// Seconds of each workload of a validation.
pub const VALIDATION_SECONDS_MAX: u64 = 3600;
/// Files of each process in a validation.
pub const VALIDATION_FILES_MAX: u64 = 1_000_000;
/// Characters of the targets of a validation.
pub const TARGETS_CHARS_MAX: usize = 64 << 10;
/// Size of a large file where nothing is said: so much at least, in whole ones of these …
pub const LARGE_FILE_BYTES_MIN: u64 = 1 << 20;
/// … and so much at most: more than a client caches.
pub const LARGE_FILE_BYTES_MAX: u64 = 512 << 20;
/// The largest that can be asked for.
pub const LARGE_FILE_BYTES_ASKED_MAX: u64 = 1 << 40;
/// So many of them fit into what is free: those that are there at once, and as much again for rows that are
/// removed and not collected yet.
pub const LARGE_FILES_AT_ONCE: u64 = 15;
/// Small files of each process where nothing is said, as `isobar validate` makes: so many at most …
pub const SMALL_FILES_USUAL: u64 = 500;
/// … and one for so much of what is free. Two processes make one each, of 107 KiB in the mean; and as much
/// again is removed and not collected yet.
pub const SMALL_FILE_ROOM_BYTES: u64 = 512 << 10;

/// Deployments that a resource group remembers, as in ARM.
pub const DEPLOYMENTS_MAX: u64 = 800;
/// How often a deployment tries to make a resource that is refused for the moment only.
pub const DEPLOYMENT_TRIES_MAX: i32 = 10;
/// Bytes of all outputs of a deployment.
pub const DEPLOYMENT_OUTPUTS_BYTES_MAX: usize = 1 << 20;

/// Reservations of a subscription.
pub const RESERVATIONS_MAX: u64 = 200;
/// Bytes of one.
pub const RESERVED_BYTES_MAX: u64 = 1 << 60;
/// Bytes of raw capacity that one piece of a plan of the marketplace is: 1 TiB.
pub const RESERVATION_UNIT_BYTES: u64 = 1 << 40;
/// Pieces that can be bought at once.
pub const RESERVATION_QUANTITY_MAX: u64 = RESERVED_BYTES_MAX / RESERVATION_UNIT_BYTES;
/// Characters of a licence's id, a contract's number, or an offer's id.
pub const PAPERS_CHARS_MAX: usize = 256;
/// Characters of the token that Microsoft gives whoever has bought something.
pub const PURCHASE_TOKEN_CHARS_MAX: usize = 8192;
/// Operations of the marketplace on a reservation that are remembered, so that none is carried out twice;
/// Microsoft repeats one for 8 hours at most.
pub const MARKETPLACE_OPERATIONS_MAX: usize = 256;

/// How often it is looked whether an hour has ended.
pub const USAGE_LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often within an hour usage is dealt with: what was not told is told again.
pub const USAGE_PASS_EVERY: Duration = Duration::from_secs(60);
/// How long after the end of an hour what there is then is how it was; later on it is an estimate.
pub const USAGE_PROMPT: Duration = Duration::from_secs(600);
/// How many hours back usage is written down that nobody saw. Microsoft takes nothing older either.
pub const USAGE_BACK_HOURS_MAX: i64 = 24;
/// How long usage records are kept.
pub const USAGE_KEPT: Duration = Duration::from_secs(400 * 86_400);
/// Usage records of a reservation that are forgotten at a time.
pub const USAGE_FORGOTTEN_AT_ONCE_MAX: u32 = 100;
/// Usage events that the marketplace is told of at a time, as it documents.
pub const USAGE_EVENTS_AT_ONCE_MAX: usize = 25;
/// What the marketplace counts: the id of the dimension that the offer has for it …
pub const USAGE_DIMENSION: &str = "overage-gib-hours";
/// … and bytes of overage that are one of it in an hour.
pub const USAGE_UNIT_BYTES: u64 = 1 << 30;
/// Days of a billing report, where nothing is said …
pub const BILLING_DAYS_USUAL: i64 = 30;
/// … and at most, with a row for each day …
pub const BILLING_DAYS_MAX: i64 = 366;
/// … or with one for each hour.
pub const BILLING_DAYS_BY_HOUR_MAX: i64 = 31;

/// How long the marketplace may take to answer one question, with all that it takes to ask.
pub const MARKETPLACE_ANSWER_MAX: Duration = Duration::from_secs(30);
/// How long before it ends a token that Microsoft gave is used no more.
pub const MARKETPLACE_TOKEN_EARLY: Duration = Duration::from_secs(120);
/// How long such a token is used, whatever is said of it.
pub const MARKETPLACE_TOKEN_LIFE_MAX: Duration = Duration::from_secs(86_400);
/// Characters of what Microsoft says that are shown.
pub const MARKETPLACE_WORDS_CHARS_MAX: usize = 300;
/// Characters in a row that are no word, but part of a token.
pub const MARKETPLACE_WORD_CHARS_MAX: usize = 40;
