//! The SMTP dialogue up to and after STARTTLS (RFC 5321, RFC 3207), sans IO:
//! octets in, replies and next commands out.
