//! Resolvers over TLS (RFC 7858): what comes is handed to the name server and
//! back.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::ca::Authority;
use super::world::{DotSpec, ServerSpec};

/// Serves a resolver over TLS, for ever.
pub async fn serve(spec: DotSpec, name_server: SocketAddr, listener: TcpListener) {
    let mut server = ServerSpec::good(&spec.host, "");
    server.certificate = spec.certificate;
    let acceptor = TlsAcceptor::from(Arc::new(Authority::lab().server_config(&server)));
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        // An error is the client's going.
        tokio::spawn(async move {
            let mut stream = acceptor.accept(stream).await?;
            let mut behind = TcpStream::connect(name_server).await?;
            copy_bidirectional(&mut stream, &mut behind).await
        });
    }
}
