//! Tells systemd that the lab is ready and that it is stopping: sd_notify(3), without its library.
//!
//! `NOTIFY_SOCKET` names a datagram socket, by a path or with `@` before a name in Linux's abstract
//! namespace.

use std::ffi::OsStr;

/// Reports the state to the service manager; does nothing where no socket is named.
pub(super) fn notify(state: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return };
    if let Err(error) = send(&name, state) {
        tracing::warn!(%error, socket = %name.display(), "NOTIFY_SOCKET cannot be told {state}");
    }
}

#[cfg(unix)]
fn send(name: &OsStr, state: &str) -> std::io::Result<()> {
    use std::os::unix::net::UnixDatagram;

    let socket = UnixDatagram::unbound()?;
    // A service manager that does not read must not delay the lab.
    socket.set_write_timeout(Some(std::time::Duration::from_secs(1)))?;
    match abstract_name(name) {
        Some(address) => socket.send_to_addr(state.as_bytes(), &address?)?,
        None => socket.send_to(state.as_bytes(), name)?,
    };
    Ok(())
}

#[cfg(not(unix))]
fn send(_: &OsStr, _: &str) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn abstract_name(name: &OsStr) -> Option<std::io::Result<std::os::unix::net::SocketAddr>> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::SocketAddr;

    name.as_bytes().strip_prefix(b"@").map(SocketAddr::from_abstract_name)
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn abstract_name(_: &OsStr) -> Option<std::io::Result<std::os::unix::net::SocketAddr>> {
    None
}
