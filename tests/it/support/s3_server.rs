//! A real S3 server on 127.0.0.1 that checks signatures (SigV4) and stores objects as files.
//!
//! An object is the file `ROOT/BUCKET/KEY`, which tests write and delete. The server records every request and can refuse
//! requests. Its lists have no ETags, and it does not distinguish keys such as `a%2Fb` and `a/b`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpResponse};
use tamarin::source::s3::{Credentials, S3Options};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// The only valid access key.
pub(crate) const ACCESS_KEY: &str = "AKIATAMARINTEST00000";
/// Its secret key.
pub(crate) const SECRET_KEY: &str = "only/for/tests/on/127.0.0.1";

/// A running server. When dropped, it stops and deletes its objects.
pub(crate) struct S3Server {
    root: TempDir,
    address: SocketAddr,
    noted: Arc<Noted>,
    /// The runtime of the server, so that tests may block or be synchronous.
    runtime: Option<tokio::runtime::Runtime>,
}

#[derive(Default)]
struct Noted {
    requests: Mutex<Vec<String>>,
    refusals: Mutex<VecDeque<Refusal>>,
}

struct Refusal {
    status: u16,
    code: String,
    headers: Vec<(String, String)>,
}

impl S3Server {
    /// Starts a server with these buckets on a free port.
    pub(crate) fn start(buckets: &[&str]) -> S3Server {
        let root = tempfile::tempdir().expect("a folder for the buckets");
        for bucket in buckets {
            std::fs::create_dir(root.path().join(bucket)).expect("a folder for the bucket");
        }
        let service = {
            let files = s3s_fs::FileSystem::new(root.path()).expect("the folder is there");
            let mut builder = S3ServiceBuilder::new(files);
            builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
            builder.build()
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("threads for the server");
        let listener = runtime.block_on_elsewhere(TcpListener::bind(("127.0.0.1", 0)));
        let address = listener.local_addr().expect("an address");
        let noted = Arc::new(Noted::default());
        runtime.spawn(serve(listener, service, Arc::clone(&noted)));
        S3Server { root, address, noted, runtime: Some(runtime) }
    }

    /// `http://127.0.0.1:PORT`, for `--endpoint-url`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Options to connect to the server with valid credentials.
    pub(crate) fn options(&self) -> S3Options {
        S3Options {
            endpoint_url: Some(self.endpoint()),
            region: Some("us-east-1".to_owned()),
            credentials: Some(Credentials {
                access_key_id: ACCESS_KEY.to_owned(),
                secret_access_key: SECRET_KEY.to_owned(),
                session_token: None,
            }),
            ..S3Options::default()
        }
    }

    #[allow(dead_code, reason = "for tests that run the binary")]
    /// The environment of a child process: valid credentials, and nothing from the user's environment.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
        ]
    }

    /// Puts an object.
    pub(crate) fn put(&self, bucket: &str, key: &str, content: impl AsRef<[u8]>) {
        let path = self.path(bucket, key);
        std::fs::create_dir_all(path.parent().expect("a bucket")).expect("folders of the key");
        std::fs::write(path, content).expect("the object is written");
    }

    /// Deletes an object.
    pub(crate) fn delete(&self, bucket: &str, key: &str) {
        std::fs::remove_file(self.path(bucket, key)).expect("the object is there");
    }

    /// The folder that contains a folder for each bucket.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// The path of an object on disk.
    pub(crate) fn path(&self, bucket: &str, key: &str) -> PathBuf {
        self.root.path().join(bucket).join(Path::new(key))
    }

    /// The requests since the last call, such as `GET /bucket/key?query`.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.noted.requests.lock().unwrap())
    }

    /// Responds to the next `count` requests with an error, such as 503 `SlowDown`, or the redirect to another region.
    pub(crate) fn refuse_next(&self, count: usize, status: u16, code: &str, headers: &[(&str, &str)]) {
        let mut refusals = self.noted.refusals.lock().unwrap();
        for _ in 0..count {
            refusals.push_back(Refusal {
                status,
                code: code.to_owned(),
                headers: headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            });
        }
    }
}

trait BlockOnElsewhere {
    fn block_on_elsewhere<T: Send + 'static>(
        &self,
        future: impl Future<Output = std::io::Result<T>> + Send + 'static,
    ) -> T;
}

impl BlockOnElsewhere for tokio::runtime::Runtime {
    /// Blocks on a future, even if the caller runs in another runtime.
    fn block_on_elsewhere<T: Send + 'static>(
        &self,
        future: impl Future<Output = std::io::Result<T>> + Send + 'static,
    ) -> T {
        let (done, result) = std::sync::mpsc::channel();
        self.spawn(async move {
            let _ = done.send(future.await);
        });
        result.recv().expect("the runtime runs").expect("a free port on 127.0.0.1")
    }
}

async fn serve(listener: TcpListener, service: S3Service, noted: Arc<Noted>) {
    while let Ok((socket, _)) = listener.accept().await {
        let service = service.clone();
        let noted = Arc::clone(&noted);
        tokio::spawn(async move {
            let answer = hyper::service::service_fn(move |request| {
                let service = service.clone();
                let noted = Arc::clone(&noted);
                async move { Ok::<_, Infallible>(answer(&service, &noted, request).await) }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), answer)
                .await;
        });
    }
}

async fn answer(
    service: &S3Service,
    noted: &Noted,
    request: hyper::Request<hyper::body::Incoming>,
) -> HttpResponse {
    noted.requests.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
    let refusal = noted.refusals.lock().unwrap().pop_front();
    if let Some(refusal) = refusal {
        let Refusal { status, code, headers } = refusal;
        let text = format!("<Error><Code>{code}</Code><Message>refused by the test</Message></Error>");
        let mut response =
            hyper::Response::builder().status(status).header("content-type", "application/xml");
        for (name, value) in headers {
            response = response.header(name, value);
        }
        return response.body(Body::from(text)).expect("a response");
    }
    match service.call(request.map(Body::from)).await {
        Ok(response) => response,
        Err(error) => {
            hyper::Response::builder().status(500).body(Body::from(format!("{error:?}"))).expect("a response")
        }
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // Does not wait: the test may run in another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
