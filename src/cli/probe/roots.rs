//! The roots that a probe trusts.

use std::path::Path;

use super::super::inputs;
use super::super::output::{Failure, remark};
use crate::pki::Certificate;
use crate::tls::usable_roots;

/// Returns the roots in `ca_file`, or those of this system where no file is given.
pub(super) fn roots(ca_file: Option<&Path>) -> Result<Vec<Certificate>, Failure> {
    let Some(path) = ca_file else {
        return Ok(of_the_system());
    };
    let wrong = |problem: String| Failure::usage(format!("--ca-file {}: {problem}", path.display()));
    let text = inputs::text(path, inputs::LONGEST_CERTIFICATES).map_err(|error| wrong(error.to_string()))?;
    let roots = Certificate::all_from_pem(&text).map_err(|error| wrong(error.to_string()))?;
    if roots.is_empty() {
        return Err(wrong("there is no certificate in it".to_owned()));
    }
    let number = roots.len();
    let roots = usable_roots(roots);
    match number - roots.len() {
        0 => Ok(roots),
        bad => Err(wrong(format!("trust cannot be anchored in {bad} of its {number} certificates"))),
    }
}

fn of_the_system() -> Vec<Certificate> {
    let found = rustls_native_certs::load_native_certs();
    // A store may hold a certificate that cannot be read; the others count.
    let read = found.certs.iter().filter_map(|der| Certificate::from_der(der.to_vec()).ok());
    let roots = usable_roots(read.collect());
    if roots.is_empty() {
        let why = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
        remark(&format!(
            "this system has no trusted roots{why}, so no chain will be trusted; give --ca-file"
        ));
    }
    roots
}
