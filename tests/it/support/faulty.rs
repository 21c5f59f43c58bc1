//! A proxy in front of an S3 server that makes requests fail like networks and S3 do.
//!
//! The plan of a test decides which requests fail, and how. It is a function of the request and of how often the same
//! request was sent before, so that it does not depend on the order of requests.

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
    /// The connection is reset before the response.
    Reset,
    /// The response ends in the middle of its body.
    CutShort,
    /// The response has half of the body, with a matching length.
    CutAndDenied,
    /// The response pauses in the middle of its body; the connection stays open.
    Stall,
    /// 400 or 403 ExpiredToken.
    Expired(u16),
    /// 403 InvalidAccessKeyId.
    UnknownKey,
    /// The object is deleted just before the request: 404 NoSuchKey.
    Deleted,
    /// The request is not forwarded to S3, and there is no response.
    Swallowed,
    /// S3 processes the request, but there is no response.
    LostResponse,
    /// The connection is reset in the middle of the body.
    ResetInBody,
    /// The body is sent at one byte per second.
    Trickle,
    /// The body is sent twice, without a length.
    Longer,
    /// The response never ends and has no length: log lines, or names.
    Endless,
    /// An error response, 403, that never ends.
    EndlessRefusal,
    /// The content has the right length and ETag (MD5), but one wrong byte, a different one each time.
    Damaged,
    /// The ETag of the content looks like an MD5 but is not one.
    OtherEtag,
    /// A picture of the same length instead of the content.
    Picture,
    /// A list of a million names.
    MillionNames,
    /// An empty page of a list with the continuation token of the page before.
    SameToken,
    /// An empty page of a list with a new continuation token.
    EmptyPage,
    /// A page of a list with the same names as before and a new continuation token.
    SamePage,
}

/// A request as a plan sees it.
#[derive(Clone, Debug)]
pub(crate) struct ProxiedRequest {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// The first line and the headers.
    pub(crate) head: String,
    /// How often the same request was sent before.
    pub(crate) before: usize,
    /// Empty when the plan is called.
    pub(crate) body: String,
}

impl ProxiedRequest {
    pub(crate) fn is_list(&self) -> bool {
        self.method == "GET" && self.target.contains("list-type=2")
    }

    pub(crate) fn is_object(&self) -> bool {
        self.method == "GET" && !self.is_list()
    }

    pub(crate) fn is_delete(&self) -> bool {
        self.method == "POST" && self.target.contains("?delete")
    }

    /// A random number that depends only on the seed and the target.
    pub(crate) fn random(&self, seed: u64) -> u64 {
        let mut state = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        for byte in self.target.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
        state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        state ^ (state >> 31)
    }
}

type Plan = dyn Fn(&ProxiedRequest) -> Option<Fault> + Send + Sync;

/// A running proxy. It closes all connections when dropped.
pub(crate) struct FaultyProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: String,
    root: PathBuf,
    plan: Mutex<Arc<Plan>>,
    counts: Mutex<HashMap<String, usize>>,
    seen: Mutex<Vec<(ProxiedRequest, Option<Fault>)>>,
    over: AtomicBool,
    /// Number of continuation tokens and damaged bodies so far: each is different.
    tokens: AtomicU64,
}

impl FaultyProxy {
    /// Starts a proxy in front of a server. Without a plan it forwards everything.
    pub(crate) fn before(server: &S3Server) -> FaultyProxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on 127.0.0.1");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            upstream: server.endpoint().trim_start_matches("http://").to_owned(),
            root: server.root().to_owned(),
            plan: Mutex::new(Arc::new(|_: &ProxiedRequest| None)),
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
                // A client that closes the connection is not an error.
                std::thread::spawn(move || drop(shared.serve(socket)));
            }
        });
        FaultyProxy { address, shared }
    }

    /// `http://127.0.0.1:PORT`, for `--endpoint-url`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the plan and resets the counts of requests.
    pub(crate) fn inject(&self, plan: impl Fn(&ProxiedRequest) -> Option<Fault> + Send + Sync + 'static) {
        self.shared.counts.lock().unwrap().clear();
        *self.shared.plan.lock().unwrap() = Arc::new(plan);
    }

    /// Removes the plan.
    pub(crate) fn stop_faults(&self) {
        self.inject(|_| None);
    }

    /// The requests since the last call, and their faults.
    pub(crate) fn take_requests(&self) -> Vec<(ProxiedRequest, Option<Fault>)> {
        std::mem::take(&mut *self.shared.seen.lock().unwrap())
    }

    /// Waits for a request that matches.
    pub(crate) fn wait_for(&self, what: impl Fn(&ProxiedRequest) -> bool) {
        for _ in 0..3000 {
            if self.shared.seen.lock().unwrap().iter().any(|(request, _)| what(request)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("no such request was sent: {:#?}", self.take_requests());
    }
}

impl Drop for FaultyProxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts connections.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    /// Serves the requests of one connection.
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        loop {
            let Some(head) = peek_head(&client)? else { return Ok(()) };
            let mut request = self.parse(&head);
            let plan = self.plan.lock().unwrap().clone();
            let fault = plan(&request);
            if fault == Some(Fault::Reset) {
                self.seen.lock().unwrap().push((request, fault));
                // Closing a connection with unread data resets it.
                return Ok(());
            }
            if fault == Some(Fault::ResetInBody) {
                self.seen.lock().unwrap().push((request, fault));
                let answer = self.forward(&head, &[])?;
                let body = end_of_head(&answer).unwrap_or(answer.len());
                client.write_all(&answer[..body + (answer.len() - body) / 2])?;
                // Gives the client time to read before the reset discards the data.
                std::thread::sleep(Duration::from_millis(20));
                return Ok(());
            }
            let mut body = vec![0; content_length(&head).unwrap_or(0)];
            client.read_exact(&mut vec![0; head.len()])?;
            client.read_exact(&mut body)?;
            request.body = String::from_utf8_lossy(&body).into_owned();
            let (target, is_list) = (request.target.clone(), request.is_list());
            self.seen.lock().unwrap().push((request, fault));
            match fault {
                Some(Fault::InternalError) => client.write_all(&refusal(500, "InternalError"))?,
                Some(Fault::SlowDown) => client.write_all(&refusal(503, "SlowDown"))?,
                Some(Fault::Expired(status)) => client.write_all(&refusal(status, "ExpiredToken"))?,
                Some(Fault::UnknownKey) => client.write_all(&refusal(403, "InvalidAccessKeyId"))?,
                Some(Fault::Swallowed) => return self.hold(&client),
                Some(Fault::LostResponse) => {
                    self.forward(&head, &body)?;
                    return self.hold(&client);
                }
                Some(fault @ (Fault::CutShort | Fault::Stall)) => {
                    let answer = self.forward(&head, &body)?;
                    let body = end_of_head(&answer).unwrap_or(answer.len());
                    client.write_all(&answer[..body + (answer.len() - body) / 2])?;
                    return if fault == Fault::Stall { self.hold(&client) } else { Ok(()) };
                }
                Some(Fault::CutAndDenied) => {
                    let answer = self.forward(&head, &body)?;
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
                    client.write_all(&self.forward(&head, &body)?)?;
                }
                Some(Fault::Trickle) => {
                    let answer = self.forward(&head, &body)?;
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
                    let answer = self.forward(&head, &body)?;
                    let body = &answer[end_of_head(&answer).unwrap_or(answer.len())..];
                    client.write_all(CHUNKED)?;
                    write_chunk(&mut client, &[body, body].concat())?;
                    client.write_all(b"0\r\n\r\n")?;
                }
                Some(fault @ (Fault::Endless | Fault::EndlessRefusal)) => {
                    let (first, again) = match (fault, is_list) {
                        (Fault::EndlessRefusal, _) => ("<Error><Code>AccessDenied</Code><Message>", "no "),
                        (_, true) => ("<ListBucketResult>", NAME),
                        (_, false) => ("", "a line that is not a record\n"),
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
                Some(fault @ (Fault::Damaged | Fault::OtherEtag)) => {
                    let answer = self.forward(&head, &body)?;
                    let body = end_of_head(&answer).unwrap_or(answer.len());
                    let (head, mut content) = (&answer[..body], answer[body..].to_vec());
                    let mut sum = u128::from_be_bytes(Md5::digest(&content).into());
                    match fault {
                        Fault::OtherEtag => sum += 1,
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
                Some(Fault::MillionNames) => client.write_all(&page(&NAME.repeat(1_000_000), None))?,
                Some(Fault::SameToken) => client.write_all(&page("", Some("again")))?,
                Some(fault @ (Fault::EmptyPage | Fault::SamePage)) => {
                    let token = self.tokens.fetch_add(1, Ordering::Relaxed).to_string();
                    let names = if fault == Fault::SamePage { NAME } else { "" };
                    client.write_all(&page(names, Some(&token)))?;
                }
                Some(Fault::Reset | Fault::ResetInBody) | None => {
                    client.write_all(&self.forward(&head, &body)?)?
                }
            }
        }
    }

    /// Reads a request and counts it.
    fn parse(&self, head: &[u8]) -> ProxiedRequest {
        let text = String::from_utf8_lossy(head);
        let mut words = text.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default().to_owned();
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry(format!("{method} {target}")).or_default();
        *count += 1;
        ProxiedRequest {
            method,
            target,
            before: *count - 1,
            head: text.clone().into_owned(),
            body: String::new(),
        }
    }

    /// The complete response of the server.
    fn forward(&self, head: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
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

    /// Sends nothing more until the client gives up.
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

/// The head of the next request, without consuming it; `None` if there is none.
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

/// Removes a header from a head. The name is in lower case with its colon.
fn without_header(head: &str, name: &str) -> String {
    head.split_inclusive("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with(name)).collect()
}

fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

/// The head of a response without a length.
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// An object of a list.
const NAME: &str = "<Contents><Key>p/2026-04-01-00-00-00-0000000000000000</Key><Size>9</Size>\
     <ETag>&quot;00000000000000000000000000000000&quot;</ETag>\
     <LastModified>2026-04-01T00:00:00.000Z</LastModified></Contents>";

fn write_chunk(client: &mut TcpStream, data: &[u8]) -> io::Result<()> {
    let length = format!("{:x}\r\n", data.len());
    client.write_all(&[length.as_bytes(), data, b"\r\n"].concat())
}

/// A page of a list, with a continuation token unless it is the last one.
fn page(names: &str, token: Option<&str>) -> Vec<u8> {
    let onward = token.map_or_else(String::new, |token| {
        format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>")
    });
    let body = format!("<ListBucketResult>{onward}{names}</ListBucketResult>");
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn refusal(status: u16, code: &str) -> Vec<u8> {
    let body = format!("<Error><Code>{code}</Code><Message>injected by the test</Message></Error>");
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-type: application/xml\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}
