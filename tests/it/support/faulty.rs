//! A proxy in front of an S3 server that lets requests fail as networks and S3 let them fail.
//!
//! Which request fails, and how, is the plan of the test: a function of what is asked and how often it was
//! asked before. So the same plan spoils the same requests, in whatever order they come.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use md5::{Digest, Md5};

use super::s3_server::S3Server;

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 500 InternalError.
    InternalError,
    /// 503 SlowDown.
    SlowDown,
    /// The connection is reset before anything is answered.
    Reset,
    /// The answer breaks off in the middle of its body.
    CutShort,
    /// Half of the body is left out, and the answer says that this is all.
    CutAndDenied,
    /// The answer stands still in the middle of its body; the connection stays open.
    Stall,
    /// 400 or 403 ExpiredToken.
    Expired(u16),
    /// 403 InvalidAccessKeyId.
    UnknownKey,
    /// The object is deleted just before it is asked for: 404 NoSuchKey.
    Deleted,
    /// The request never reaches S3, and nobody answers.
    Swallowed,
    /// S3 does what is asked, but nobody hears of it.
    Unanswered,
    /// The connection is reset in the middle of the body.
    ResetInBody,
    /// The body comes a byte a second.
    Trickle,
    /// The body is sent twice, without a length.
    Longer,
    /// The answer goes on for ever, without a length: log lines, or names.
    Endless,
    /// The same as an error, 403.
    EndlessRefusal,
    /// The content has the length and the ETag (its MD5) that it should have, but another byte, each time another.
    Damaged,
    /// The content has an ETag that looks like an MD5 and is none.
    OtherTag,
    /// A picture as long as the file, instead of what is in it.
    Picture,
    /// A list of a million names.
    Million,
    /// A list that names nothing and goes on with the token that it went on with before.
    SameToken,
    /// A list that names nothing and goes on with another token.
    EmptyPage,
    /// A list that names the same and goes on with another token.
    SamePage,
}

/// What is asked, as a plan sees it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// The first line and the headers.
    pub(crate) head: String,
    /// How often the same was asked before.
    pub(crate) before: usize,
    /// Empty in the eyes of a plan.
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn is_list(&self) -> bool {
        self.method == "GET" && self.target.contains("list-type=2")
    }

    pub(crate) fn is_object(&self) -> bool {
        self.method == "GET" && !self.is_list()
    }

    pub(crate) fn is_delete(&self) -> bool {
        self.method == "POST" && self.target.contains("?delete")
    }

    /// A number that is always the same for the same seed and target.
    pub(crate) fn dice(&self, seed: u64) -> u64 {
        let mut state = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        for byte in self.target.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
        state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        state ^ (state >> 31)
    }
}

type Plan = dyn Fn(&Asked) -> Option<Fault> + Send + Sync;

/// A proxy that runs; it lets go of all connections when dropped.
pub(crate) struct FaultyProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: String,
    root: PathBuf,
    plan: Mutex<Arc<Plan>>,
    counts: Mutex<HashMap<String, usize>>,
    seen: Mutex<Vec<(Asked, Option<Fault>)>>,
    over: AtomicBool,
    /// Tokens given by this proxy.
    tokens: AtomicU64,
}

impl FaultyProxy {
    /// Stands in front of a server and lets everything pass.
    pub(crate) fn before(server: &S3Server) -> FaultyProxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on 127.0.0.1");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            upstream: server.endpoint().trim_start_matches("http://").to_owned(),
            root: server.root().to_owned(),
            plan: Mutex::new(Arc::new(|_: &Asked| None)),
            counts: Mutex::default(),
            seen: Mutex::default(),
            over: AtomicBool::new(false),
            tokens: AtomicU64::new(0),
        });
        let all = shared.clone();
        std::thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                if all.over.load(Ordering::Relaxed) {
                    return;
                }
                let shared = all.clone();
                // A client that hangs up is nothing to tell.
                std::thread::spawn(move || drop(shared.serve(socket)));
            }
        });
        FaultyProxy { address, shared }
    }

    /// `http://127.0.0.1:PORT`, for `--endpoint-url`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on requests fail by this plan; none was asked before.
    pub(crate) fn spoil(&self, plan: impl Fn(&Asked) -> Option<Fault> + Send + Sync + 'static) {
        self.shared.counts.lock().unwrap().clear();
        *self.shared.plan.lock().unwrap() = Arc::new(plan);
    }

    /// From now on nothing fails.
    pub(crate) fn heal(&self) {
        self.spoil(|_| None);
    }

    /// What was asked since the start or the last call of this, and what was done to it.
    pub(crate) fn take_seen(&self) -> Vec<(Asked, Option<Fault>)> {
        std::mem::take(&mut *self.shared.seen.lock().unwrap())
    }

    /// Waits until something was asked that this is true of.
    pub(crate) fn wait_for(&self, what: impl Fn(&Asked) -> bool) {
        for _ in 0..3000 {
            if self.shared.seen.lock().unwrap().iter().any(|(asked, _)| what(asked)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it was never asked: {:#?}", self.take_seen());
    }
}

impl Drop for FaultyProxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // Wakes whoever accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    /// Serves one connection, request by request.
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        loop {
            let Some(head) = peek_head(&client)? else { return Ok(()) };
            let mut asked = self.asked(&head);
            let plan = self.plan.lock().unwrap().clone();
            let fault = plan(&asked);
            if fault == Some(Fault::Reset) {
                self.seen.lock().unwrap().push((asked, fault));
                // Closed with something unread in it, a connection is reset.
                return Ok(());
            }
            if fault == Some(Fault::ResetInBody) {
                self.seen.lock().unwrap().push((asked, fault));
                let answer = self.pass_on(&head, &[])?;
                let body = end_of_head(&answer).unwrap_or(answer.len());
                client.write_all(&answer[..body + (answer.len() - body) / 2])?;
                // What was sent is read before the reset takes it away.
                std::thread::sleep(Duration::from_millis(20));
                return Ok(());
            }
            let mut body = vec![0; content_length(&head).unwrap_or(0)];
            client.read_exact(&mut vec![0; head.len()])?;
            client.read_exact(&mut body)?;
            asked.body = String::from_utf8_lossy(&body).into_owned();
            let (target, is_list) = (asked.target.clone(), asked.is_list());
            self.seen.lock().unwrap().push((asked, fault));
            match fault {
                Some(Fault::InternalError) => client.write_all(&refusal(500, "InternalError"))?,
                Some(Fault::SlowDown) => client.write_all(&refusal(503, "SlowDown"))?,
                Some(Fault::Expired(status)) => client.write_all(&refusal(status, "ExpiredToken"))?,
                Some(Fault::UnknownKey) => client.write_all(&refusal(403, "InvalidAccessKeyId"))?,
                Some(Fault::Swallowed) => return self.hold(&client),
                Some(Fault::Unanswered) => {
                    self.pass_on(&head, &body)?;
                    return self.hold(&client);
                }
                Some(fault @ (Fault::CutShort | Fault::Stall)) => {
                    let answer = self.pass_on(&head, &body)?;
                    let body = end_of_head(&answer).unwrap_or(answer.len());
                    client.write_all(&answer[..body + (answer.len() - body) / 2])?;
                    return if fault == Fault::Stall { self.hold(&client) } else { Ok(()) };
                }
                Some(Fault::CutAndDenied) => {
                    let answer = self.pass_on(&head, &body)?;
                    let body = end_of_head(&answer).unwrap_or(answer.len());
                    let half = &answer[body..body + (answer.len() - body) / 2];
                    let head = String::from_utf8_lossy(&answer[..body]).into_owned();
                    let length = format!("content-length: {}\r\n\r\n", half.len());
                    let head =
                        without_header(&head, "content-length:").trim_end().to_owned() + "\r\n" + &length;
                    client.write_all(&[head.as_bytes(), half].concat())?;
                }
                Some(Fault::Deleted) => {
                    let path = percent_encoding::percent_decode_str(path_of(&target)).decode_utf8_lossy();
                    let _ = std::fs::remove_file(self.root.join(path.trim_start_matches('/')));
                    client.write_all(&self.pass_on(&head, &body)?)?;
                }
                Some(Fault::Trickle) => {
                    let answer = self.pass_on(&head, &body)?;
                    let body = end_of_head(&answer).unwrap_or(answer.len());
                    client.write_all(&answer[..body])?;
                    for byte in &answer[body..] {
                        client.write_all(&[*byte])?;
                        for _ in 0..20 {
                            if self.over.load(Ordering::Relaxed) {
                                return Ok(());
                            }
                            std::thread::sleep(Duration::from_millis(50));
                        }
                    }
                }
                Some(Fault::Longer) => {
                    let answer = self.pass_on(&head, &body)?;
                    let body = &answer[end_of_head(&answer).unwrap_or(answer.len())..];
                    client.write_all(CHUNKED)?;
                    write_chunk(&mut client, &[body, body].concat())?;
                    client.write_all(b"0\r\n\r\n")?;
                }
                Some(fault @ (Fault::Endless | Fault::EndlessRefusal)) => {
                    let (first, again) = match (fault, is_list) {
                        (Fault::EndlessRefusal, _) => ("<Error><Code>AccessDenied</Code><Message>", "no "),
                        (_, true) => ("<ListBucketResult>", NAME),
                        (_, false) => ("", "a line that is no record\n"),
                    };
                    let refused = b"HTTP/1.1 403 X\r\ntransfer-encoding: chunked\r\n\r\n";
                    client.write_all(if fault == Fault::Endless { CHUNKED } else { refused })?;
                    if !first.is_empty() {
                        write_chunk(&mut client, first.as_bytes())?;
                    }
                    let again = again.repeat((64 << 10) / again.len());
                    while !self.over.load(Ordering::Relaxed) {
                        write_chunk(&mut client, again.as_bytes())?;
                    }
                    return Ok(());
                }
                Some(fault @ (Fault::Damaged | Fault::OtherTag)) => {
                    let answer = self.pass_on(&head, &body)?;
                    let body = end_of_head(&answer).unwrap_or(answer.len());
                    let (head, mut content) = (&answer[..body], answer[body..].to_vec());
                    let mut sum = u128::from_be_bytes(Md5::digest(&content).into());
                    match fault {
                        Fault::OtherTag => sum += 1,
                        _ => {
                            let at = self.tokens.fetch_add(1, Ordering::Relaxed) as usize % content.len();
                            content[at] ^= 1;
                        }
                    }
                    let head = without_header(&String::from_utf8_lossy(head), "etag:");
                    let tag = format!("\r\netag: \"{sum:032x}\"\r\n\r\n");
                    let head = head.trim_end().to_owned() + &tag;
                    client.write_all(&[head.as_bytes(), &content].concat())?;
                }
                Some(Fault::Picture) => {
                    let length =
                        std::fs::metadata(self.root.join(path_of(&target).trim_start_matches('/')))?.len();
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
                    client.write_all(&[head.as_bytes(), b"\x89PNG\r\n\x1a\n"].concat())?;
                    io::copy(&mut io::repeat(0).take(length - 8), &mut client)?;
                }
                Some(Fault::Million) => client.write_all(&page(&NAME.repeat(1_000_000), None))?,
                Some(Fault::SameToken) => client.write_all(&page("", Some("again")))?,
                Some(fault @ (Fault::EmptyPage | Fault::SamePage)) => {
                    let token = self.tokens.fetch_add(1, Ordering::Relaxed).to_string();
                    let names = if fault == Fault::SamePage { NAME } else { "" };
                    client.write_all(&page(names, Some(&token)))?;
                }
                Some(Fault::Reset | Fault::ResetInBody) | None => {
                    client.write_all(&self.pass_on(&head, &body)?)?
                }
            }
        }
    }

    /// What is asked, counted.
    fn asked(&self, head: &[u8]) -> Asked {
        let text = String::from_utf8_lossy(head);
        let mut words = text.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default().to_owned();
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry(format!("{method} {target}")).or_default();
        *count += 1;
        Asked { method, target, before: *count - 1, head: text.clone().into_owned(), body: String::new() }
    }

    /// What the server answers, whole.
    fn pass_on(&self, head: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(&self.upstream)?;
        let head = String::from_utf8_lossy(head).into_owned();
        let head = without_header(&head, "connection:").replacen("\r\n", "\r\nconnection: close\r\n", 1);
        server.write_all(head.as_bytes())?;
        server.write_all(body)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        let end = end_of_head(&answer).ok_or(io::ErrorKind::UnexpectedEof)?;
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        Ok([without_header(&head, "connection:").as_bytes(), &answer[end..]].concat())
    }

    /// Says nothing more until the client gives up.
    fn hold(&self, mut client: &TcpStream) -> io::Result<()> {
        client.set_read_timeout(Some(Duration::from_millis(50)))?;
        while !self.over.load(Ordering::Relaxed) {
            match client.read(&mut [0; 64]) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The head of the next request, which is left unread; `None`: there is none.
fn peek_head(client: &TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = vec![0; 32 << 10];
    loop {
        let length = client.peek(&mut buffer)?;
        if length == 0 {
            return Ok(None);
        }
        if let Some(end) = end_of_head(&buffer[..length]) {
            return Ok(Some(buffer[..end].to_vec()));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4)
}

fn content_length(head: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
}

/// A head without a header, which is given in lower case with its colon.
fn without_header(head: &str, name: &str) -> String {
    head.split_inclusive("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with(name)).collect()
}

fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

/// The head of an answer whose length is not known before it ends.
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// An object of a list.
const NAME: &str = "<Contents><Key>p/2026-04-01-00-00-00-0000000000000000</Key><Size>9</Size>\
     <ETag>&quot;00000000000000000000000000000000&quot;</ETag>\
     <LastModified>2026-04-01T00:00:00.000Z</LastModified></Contents>";

fn write_chunk(client: &mut TcpStream, data: &[u8]) -> io::Result<()> {
    let length = format!("{:x}\r\n", data.len());
    client.write_all(&[length.as_bytes(), data, b"\r\n"].concat())
}

/// A page of a list that goes on with a token, or is the last.
fn page(names: &str, token: Option<&str>) -> Vec<u8> {
    let onward = token.map_or_else(String::new, |token| {
        format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>")
    });
    let body = format!("<ListBucketResult>{onward}{names}</ListBucketResult>");
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn refusal(status: u16, code: &str) -> Vec<u8> {
    let body = format!("<Error><Code>{code}</Code><Message>said by the test</Message></Error>");
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-type: application/xml\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}
