//! Requests in somebody's name: with a token, which is renewed when it ends, and again where the server says
//! that too much is going on.

use std::time::Duration;

use bytes::Bytes;
use form_urlencoded::Serializer;
use isobar_arm::ArmError;
use isobar_https::{Address, Answer, Connection, HttpsError, Message, Trust, may_be_repeated};
use serde_json::Value;

use crate::error::RemoteError;
use crate::limits::{TOKEN_LEFT_MIN, TRIES_MAX};
use crate::profile::{Profile, ProfileFile, Token};
use crate::request::Request;

/// What requests say of the program that sends them.
const AGENT: &str = concat!("isobar/", env!("CARGO_PKG_VERSION"));

/// What a token of another issuer is called in a request for one (RFC 7523).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Somebody who is logged in, with a connection.
pub struct Session {
    profile: Profile,
    file: Option<ProfileFile>,
    connection: Connection,
}

impl Session {
    /// That of the profile in this file, in which new tokens are kept.
    ///
    /// # Errors
    /// Nobody is logged in, or the profile cannot be used.
    pub fn open(file: ProfileFile) -> Result<Session, RemoteError> {
        let profile = file.read()?.ok_or(RemoteError::NotLoggedIn)?;
        Ok(Session { file: Some(file), ..Session::of(profile)? })
    }

    /// That of a profile that is in no file.
    pub(crate) fn of(profile: Profile) -> Result<Session, RemoteError> {
        let trust = match &profile.authority {
            Some(pem) => Trust::only(pem)?,
            None => Trust::of_this_machine()?,
        };
        let connection = Connection::new(Address::parse(&profile.url)?, trust);
        Ok(Session { profile, file: None, connection })
    }

    /// Who it is.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Who it was.
    pub(crate) fn into_profile(self) -> Profile {
        self.profile
    }

    /// Means another subscription and location from now on.
    ///
    /// # Errors
    /// The profile cannot be written, or is somebody else's by now.
    pub fn mean(
        &mut self,
        subscription: Option<String>,
        location: Option<String>,
    ) -> Result<(), RemoteError> {
        if let Some(file) = &self.file {
            let why = "somebody has logged in or out meanwhile: nothing was changed";
            let kept = self.kept(file)?.ok_or_else(|| RemoteError::Value(why.to_owned()))?;
            let (subscription, location) = (subscription.clone(), location.clone());
            file.write(&Profile { subscription, location, ..kept })?;
        }
        self.profile.subscription = subscription;
        self.profile.location = location;
        Ok(())
    }

    /// What is in the file now, if that is still the same login. Other commands write there, too.
    fn kept(&self, file: &ProfileFile) -> Result<Option<Profile>, RemoteError> {
        let login =
            |of: &Profile| ([&of.url, &of.client_id, &of.secret].map(String::clone), of.token_file.clone());
        Ok(file.read()?.filter(|kept| login(kept) == login(&self.profile)))
    }

    /// The path and query of a link of an answer, or of a path.
    ///
    /// # Errors
    /// It leads to another server.
    pub fn path_of(&self, link: &str) -> Result<String, RemoteError> {
        Ok(self.connection.address.path_of(link)?)
    }

    /// Reads what a path or a link leads to.
    pub(crate) async fn read(&mut self, link: &str) -> Result<Answer, RemoteError> {
        let path = self.path_of(link)?;
        self.send(&Request { method: "GET".to_owned(), path, headers: Vec::new(), body: None }).await
    }

    /// Sends a request; gives what is answered when it goes well. That something is not there is an answer to
    /// HEAD.
    ///
    /// # Errors
    /// `RemoteError`.
    pub async fn send(&mut self, request: &Request) -> Result<Answer, RemoteError> {
        let mut may_renew = true;
        let mut tries = 1;
        loop {
            let answer = self.send_once(request).await?;
            match answer.status {
                401 if may_renew => {
                    may_renew = false;
                    self.profile.token = None;
                }
                // Whether something was done before a 503 is not known; a 429 says that nothing was.
                429 | 503
                    if tries < TRIES_MAX && (answer.status == 429 || may_be_repeated(&request.method)) =>
                {
                    tries += 1;
                    tokio::time::sleep(answer.pause()).await;
                }
                404 if request.method == "HEAD" => return Ok(answer),
                400.. => return Err(refusal(&answer)),
                _ => return Ok(answer),
            }
        }
    }

    async fn send_once(&mut self, request: &Request) -> Result<Answer, RemoteError> {
        let token = self.token().await?;
        let mut headers = vec![
            ("accept", "application/json".to_owned()),
            ("authorization", format!("Bearer {token}")),
            ("user-agent", AGENT.to_owned()),
        ];
        let body = request.body.as_ref().map(Value::to_string).unwrap_or_default();
        if request.body.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        headers.extend(request.headers.iter().map(|(name, value)| (name.as_str(), value.clone())));
        let message =
            Message { method: &request.method, path: &request.path, headers, body: Bytes::from(body) };
        Ok(self.connection.send(&message).await?)
    }

    /// A token that is good for a while.
    async fn token(&mut self) -> Result<String, RemoteError> {
        if let Some(token) = self.profile.token.as_ref().filter(|token| token.is_good_for(TOKEN_LEFT_MIN)) {
            return Ok(token.text.clone());
        }
        let token = self.ask_for_token().await?;
        self.profile.token = Some(token.clone());
        let text = token.text.clone();
        if let Some(file) = &self.file
            && let Ok(Some(kept)) = self.kept(file)
        {
            // A command that cannot keep its token goes on: the next one asks for another.
            file.write(&Profile { token: Some(token), ..kept }).ok();
        }
        Ok(text)
    }

    async fn ask_for_token(&mut self) -> Result<Token, RemoteError> {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.profile.client_id)
            .append_pair("scope", &format!("{}/.default", self.connection.address.url()));
        match self.profile.foreign_token()? {
            Some(token) => form
                .append_pair("client_assertion_type", ASSERTION_TYPE)
                .append_pair("client_assertion", &token),
            None => form.append_pair("client_secret", &self.profile.secret),
        };
        let form = form.finish();
        let path = format!("/{}/oauth2/v2.0/token", self.profile.tenant);
        let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
        let message = Message { method: "POST", path: &path, headers, body: Bytes::from(form) };
        let mut tries = 1;
        let answer = loop {
            let answer = self.connection.send(&message).await?;
            if answer.status != 503 || tries == TRIES_MAX {
                break answer;
            }
            tries += 1;
            tokio::time::sleep(answer.pause()).await;
        };
        let text = answer.body["access_token"].as_str();
        match (answer.status, text, answer.body["expires_in"].as_u64()) {
            (200, Some(text), Some(life_s)) => Ok(Token::new(text.to_owned(), Duration::from_secs(life_s))),
            (200, ..) => Err(nonsense(&self.connection.address, "what it gave is no token")),
            (503, ..) => Err(refusal(&answer)),
            _ => Err(RemoteError::Login(refused_token(&answer))),
        }
    }

    /// Asks without a token.
    pub(crate) async fn ask_openly(&mut self, path: &str) -> Result<Answer, RemoteError> {
        let message = Message { method: "GET", path, headers: Vec::new(), body: Bytes::new() };
        let answer = self.connection.send(&message).await?;
        if answer.status == 200 { Ok(answer) } else { Err(refusal(&answer)) }
    }
}

/// Something that a control plane does not answer.
pub(crate) fn nonsense(address: &Address, why: &str) -> RemoteError {
    let why = format!("{why}: is that the address of a control plane?");
    RemoteError::Server(HttpsError::Nonsense { url: address.url(), why })
}

/// Why there is no token: the description without the ids behind it, which are for whoever reads the log.
fn refused_token(answer: &Answer) -> String {
    let said = answer.body["error_description"].as_str().or(answer.body["error"]["message"].as_str());
    let said = said.unwrap_or("for no reason given").split(" Trace ID:").next().unwrap_or_default();
    said.lines().next().unwrap_or_default().trim().to_owned()
}

/// The refusal in an answer.
fn refusal(answer: &Answer) -> RemoteError {
    let status = answer.status;
    let error = answer.body.get("error").cloned().and_then(|error| serde_json::from_value(error).ok());
    let bare = || ArmError::new(status, "HttpError", format!("The server answered with status {status}."));
    RemoteError::Refused { status, error: Box::new(error.unwrap_or_else(bare)) }
}
