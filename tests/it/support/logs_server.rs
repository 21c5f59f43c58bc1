//! A server that speaks the protocol of CloudWatch Logs (AWS JSON 1.1) on 127.0.0.1, as far as pulls need it, and of S3 as
//! far as the search for a bucket's logs needs it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tamarin::source::s3::{Credentials, S3Options};

/// The log group of the server.
pub(crate) const GROUP: &str = "/aws/vendedlogs/s3/acme-media";
/// Its ARN.
pub(crate) const GROUP_ARN: &str =
    "arn:aws:logs:us-east-1:111122223333:log-group:/aws/vendedlogs/s3/acme-media";

/// An event of the log group. Times are in seconds since the epoch.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) time: i64,
    pub(crate) ingested: i64,
    pub(crate) message: String,
}

/// How the server answers a request instead of serving it: status, error code, message.
pub(crate) type Refusal = (u16, &'static str, &'static str);

type Plan = dyn Fn(&LogsRequest) -> Option<Refusal> + Send + Sync;

/// A request as plans and tests see it.
#[derive(Clone, Debug)]
pub(crate) struct LogsRequest {
    /// `FilterLogEvents`, …; or the method and target of a request to S3.
    pub(crate) action: String,
    pub(crate) body: Value,
    /// How many requests of all were sent before.
    pub(crate) number: usize,
}

impl LogsRequest {
    /// The seconds of a FilterLogEvents request.
    pub(crate) fn seconds(&self) -> (i64, i64) {
        let milliseconds = |name: &str| self.body[name].as_i64().unwrap_or_default();
        (milliseconds("startTime").div_euclid(1000), milliseconds("endTime").div_euclid(1000) + 1)
    }

    /// Whether this is a request for all events of a range, not the one for the first event.
    pub(crate) fn is_reading(&self) -> bool {
        self.action == "FilterLogEvents" && self.body["limit"].is_null()
    }
}

/// A running server.
pub(crate) struct LogsServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    events: Mutex<Vec<Event>>,
    page_events: usize,
    /// Whether every second page is empty.
    has_empty_pages: bool,
    plan: Mutex<Arc<Plan>>,
    seen: Mutex<Vec<LogsRequest>>,
    count: Mutex<usize>,
    /// The answers to DescribeDeliverySources, DescribeDeliveries and DescribeDeliveryDestinations.
    deliveries: Mutex<[Value; 3]>,
    /// The content of the answer to GetBucketLogging.
    logging: Mutex<String>,
}

impl LogsServer {
    /// Starts a server whose pages have up to `page_events` events.
    pub(crate) fn start(page_events: usize) -> LogsServer {
        LogsServer::start_with(page_events, false)
    }

    /// Starts a server that sends an empty page before each page.
    pub(crate) fn with_empty_pages(page_events: usize) -> LogsServer {
        LogsServer::start_with(page_events, true)
    }

    fn start_with(page_events: usize, has_empty_pages: bool) -> LogsServer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on 127.0.0.1");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            events: Mutex::default(),
            page_events,
            has_empty_pages,
            plan: Mutex::new(Arc::new(|_: &LogsRequest| None)),
            seen: Mutex::default(),
            count: Mutex::default(),
            deliveries: Mutex::new([json!({}), json!({}), json!({})]),
            logging: Mutex::default(),
        });
        let all = shared.clone();
        std::thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                let shared = all.clone();
                // A client that closes the connection is not an error.
                std::thread::spawn(move || drop(shared.serve(socket)));
            }
        });
        LogsServer { address, shared }
    }

    /// `http://127.0.0.1:PORT`, for `--endpoint-url`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Options to connect to the server.
    pub(crate) fn options(&self) -> S3Options {
        S3Options {
            endpoint_url: Some(self.endpoint()),
            region: Some("us-east-1".to_owned()),
            credentials: Some(Credentials {
                access_key_id: super::s3_server::ACCESS_KEY.to_owned(),
                secret_access_key: super::s3_server::SECRET_KEY.to_owned(),
                session_token: None,
            }),
            ..S3Options::default()
        }
    }

    /// Adds events.
    pub(crate) fn put(&self, events: impl IntoIterator<Item = Event>) {
        let mut all = self.shared.events.lock().unwrap();
        all.extend(events);
        all.sort_by_key(|event| (event.time, event.ingested));
    }

    /// Removes the events before a time, as the retention does.
    pub(crate) fn expire_before(&self, time: i64) {
        self.shared.events.lock().unwrap().retain(|event| event.time >= time);
    }

    /// Sets which requests are refused.
    pub(crate) fn refuse(&self, plan: impl Fn(&LogsRequest) -> Option<Refusal> + Send + Sync + 'static) {
        *self.shared.count.lock().unwrap() = 0;
        *self.shared.plan.lock().unwrap() = Arc::new(plan);
    }

    /// Sets the deliveries of `acme-media`: the type and the resource of each destination.
    pub(crate) fn deliver_to(&self, destinations: &[(&str, &str)]) {
        let arn = |n: usize| format!("arn:aws:logs:us-east-1:111122223333:delivery-destination:d{n}");
        let sources = json!({"deliverySources": [
            {"name": "other", "logType": "ACCESS_LOGS", "resourceArns": ["arn:aws:s3:::acme-media"]},
            {"name": "elsewhere", "logType": "S3_SERVER_ACCESS_LOGS", "resourceArns": ["arn:aws:s3:::x-acme-media"]},
            {"name": "media", "logType": "S3_SERVER_ACCESS_LOGS", "service": "s3",
             "resourceArns": ["arn:aws:s3:::acme-media"]},
        ]});
        let deliveries = destinations.iter().enumerate().map(|(n, (kind, _))| {
            json!({"id": n.to_string(), "deliverySourceName": "media", "deliveryDestinationArn": arn(n),
                   "deliveryDestinationType": kind})
        });
        let other = json!({"id": "x", "deliverySourceName": "elsewhere", "deliveryDestinationArn": arn(99)});
        let deliveries: Vec<Value> = std::iter::once(other).chain(deliveries).collect();
        let targets: Vec<Value> = destinations
            .iter()
            .enumerate()
            .map(|(n, (kind, resource))| {
                json!({"name": format!("d{n}"), "arn": arn(n), "deliveryDestinationType": kind,
                       "deliveryDestinationConfiguration": {"destinationResourceArn": resource}})
            })
            .collect();
        *self.shared.deliveries.lock().unwrap() =
            [sources, json!({"deliveries": deliveries}), json!({"deliveryDestinations": targets})];
    }

    /// Sets the target of the bucket's logs in S3.
    pub(crate) fn log_to(&self, bucket: &str, prefix: &str) {
        *self.shared.logging.lock().unwrap() = format!(
            "<LoggingEnabled><TargetBucket>{bucket}</TargetBucket><TargetPrefix>{prefix}</TargetPrefix></LoggingEnabled>"
        );
    }

    /// The requests since the last call.
    pub(crate) fn take_requests(&self) -> Vec<LogsRequest> {
        std::mem::take(&mut *self.shared.seen.lock().unwrap())
    }
}

impl Shared {
    /// Serves the requests of one connection.
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let mut buffer = Vec::new();
        loop {
            let Some((head, body)) = read_request(&mut client, &mut buffer)? else { return Ok(()) };
            let (status, kind, answer) = self.answer(&head, &body);
            let length = answer.len();
            let head =
                format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
            client.write_all(&[head.as_bytes(), answer.as_bytes()].concat())?;
        }
    }

    fn answer(&self, head: &str, body: &[u8]) -> (u16, &'static str, String) {
        let target = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("x-amz-target").then(|| value.trim().to_owned())
        });
        let mut count = self.count.lock().unwrap();
        let request = LogsRequest {
            action: match &target {
                Some(target) => target.trim_start_matches("Logs_20140328.").to_owned(),
                None => head.split(" HTTP/").next().unwrap_or_default().to_owned(),
            },
            body: serde_json::from_slice(body).unwrap_or_default(),
            number: *count,
        };
        *count += 1;
        drop(count);
        let plan = self.plan.lock().unwrap().clone();
        self.seen.lock().unwrap().push(request.clone());
        if target.is_none() {
            return self.answer_as_s3(&request.action);
        }
        let refused = |(status, code, message): Refusal| {
            (status, "application/x-amz-json-1.1", json!({"__type": code, "message": message}).to_string())
        };
        if let Some(refusal) = plan(&request) {
            return refused(refusal);
        }
        let deliveries = self.deliveries.lock().unwrap().clone();
        let answer = match request.action.as_str() {
            "FilterLogEvents" if !is_the_group(&request.body) => {
                return refused((
                    400,
                    "ResourceNotFoundException",
                    "The specified log group does not exist.",
                ));
            }
            "FilterLogEvents" => self.page(&request.body),
            "DescribeDeliverySources" => deliveries[0].clone(),
            "DescribeDeliveries" => deliveries[1].clone(),
            "DescribeDeliveryDestinations" => deliveries[2].clone(),
            _ => return refused((400, "UnknownOperationException", "")),
        };
        (200, "application/x-amz-json-1.1", answer.to_string())
    }

    /// A page of events. The token is the index of its first event, with `e` if an empty page comes first.
    fn page(&self, body: &Value) -> Value {
        let (start, end) = (body["startTime"].as_i64().unwrap(), body["endTime"].as_i64().unwrap());
        let events = self.events.lock().unwrap();
        let in_range = |event: &&Event| (start..=end).contains(&(event.time * 1000));
        let matching: Vec<&Event> = events.iter().filter(in_range).collect();
        let token = body["nextToken"].as_str();
        let first: usize = token.map_or(0, |token| token.trim_start_matches('e').parse().unwrap());
        if self.has_empty_pages && token.is_none_or(|token| !token.starts_with('e')) {
            return json!({"events": [], "nextToken": format!("e{first}"), "searchedLogStreams": []});
        }
        let limit = body["limit"].as_u64().map_or(self.page_events, |limit| limit as usize);
        let page: Vec<Value> = matching
            .iter()
            .enumerate()
            .skip(first)
            .take(limit)
            .map(|(n, event)| {
                json!({"logStreamName": "s", "timestamp": event.time * 1000, "message": event.message,
                       "ingestionTime": event.ingested * 1000, "eventId": n.to_string()})
            })
            .collect();
        let next = first + page.len();
        match next < matching.len() {
            true => json!({"events": page, "nextToken": next.to_string(), "searchedLogStreams": []}),
            false => json!({"events": page, "searchedLogStreams": []}),
        }
    }

    fn answer_as_s3(&self, request: &str) -> (u16, &'static str, String) {
        let answer = match request.contains("?logging") {
            true => {
                let logging = self.logging.lock().unwrap();
                format!("<BucketLoggingStatus>{logging}</BucketLoggingStatus>")
            }
            false => {
                "<ListBucketResult><Contents><Key>film.mp4</Key><Size>1</Size></Contents></ListBucketResult>"
                    .to_owned()
            }
        };
        (200, "application/xml", answer)
    }
}

fn is_the_group(body: &Value) -> bool {
    body["logGroupName"] == GROUP || body["logGroupIdentifier"] == GROUP_ARN
}

/// The head and body of the next request; `None` if there is none.
fn read_request(client: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut chunk = [0; 16 << 10];
    loop {
        if let Some(end) = buffer.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4) {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .and_then(|(_, length)| length.trim().parse::<usize>().ok())
                .unwrap_or(0);
            if buffer.len() >= end + length {
                let rest = buffer.split_off(end + length);
                let body = std::mem::replace(buffer, rest).split_off(end);
                return Ok(Some((head, body)));
            }
        }
        match client.read(&mut chunk)? {
            0 => return Ok(None),
            length => buffer.extend_from_slice(&chunk[..length]),
        }
    }
}
