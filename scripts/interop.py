#!/usr/bin/python3
"""The network, the mail servers, the messages and the truth behind scripts/interop.

Started by scripts/interop inside fresh namespaces. In order of reading: HOSTS (who is there and
how each is configured), MESSAGES (who sends what over which hosts), the configurations, the
running of it, and the reading of the capture (`Connection`), from which truth.jsonl is made.
"""
import email.utils
import json
import os
import re
import shutil
import smtplib
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

OUT = Path(os.environ.get("INTEROP_OUT", "."))
TREES = Path(os.environ.get("INTEROP_TREES", "."))
WORLD = Path("/run/interop")
PASSWORD = "example-password"
SLOW = {"m18", "m36"}  # wait for Postfix's minimal_backoff_time

# OpenSMTPD 6.8.0p2, as Debian built it with OpenSSL 3, cannot sign with its own key: as a server every handshake of its fails
# after STARTTLS, with any kind of key. As a client its TLS works. So host H is a real server that is broken in this way, and
# unlike M not on purpose.
#
# key: software, host name, domain, IPv4, IPv6 or None, traits
HOSTS = {
    "A": ("postfix", "mx1.alpha.example", "alpha.example", "192.0.2.11", "2001:db8:a::11",
          {"received_header", "submission"}),
    "B": ("postfix", "mx.bravo.example", "bravo.example", "192.0.2.21", None, {"lmtp_tcp", "client_tls12"}),
    "C": ("postfix", "mail.charlie.example", "charlie.example", "192.0.2.31", None, {"no_tls"}),
    "D": ("postfix", "mx.delta.example", "delta.example", "198.51.100.41", None, {"refuses_454"}),
    "E": ("exim", "mx.echo.example", "echo.example", "198.51.100.51", "2001:db8:e::51", {"submission"}),
    "F": ("exim", "relay.foxtrot.example", "foxtrot.example", "198.51.100.61", None, {"keyword_only"}),
    "G": ("sendmail", "mx.golf.example", "golf.example", "203.0.113.71", None, set()),
    "H": ("opensmtpd", "mx.hotel.example", "hotel.example", "203.0.113.81", "2001:db8:f::81", {"handshake_fails"}),
    "K": ("postfix", "gw.kilo.example", "kilo.example", "203.0.113.91", None,
          {"received_header", "filter", "lmtp_unix"}),
    "L": ("postfix", "edge.lima.example", "lima.example", "203.0.113.101", None, {"strip"}),
    "M": ("postfix", "old.mike.example", "mike.example", "198.51.100.111", None, {"handshake_fails"}),
    "N": ("exim", "mail.november.example", "november.example", "198.51.100.121", None, {"no_tls"}),
    "O": ("sendmail", "old.oscar.example", "oscar.example", "192.0.2.131", None, {"keyword_only"}),
    "P": ("opensmtpd", "out.papa.example", "papa.example", "192.0.2.141", None, {"no_tls", "mask"}),
    "R": ("exim", "hub.romeo.example", "romeo.example", "203.0.113.151", None, {"bare", "tls12"}),
    "T": ("exim", "mx.tango.example", "tango.example", "198.51.100.161", None, {"refuses_5yz"}),
    "S": ("dovecot", "store.bravo.example", None, "192.0.2.22", None, set()),
}
CLIENTS = {
    "laptop": ("laptop.client.example", "203.0.113.201", "2001:db8:c::201"),
    "printer": ("printer.client.example", "203.0.113.202", None),
    "app": ("app.client.example", "192.0.2.203", None),
}
NAME_SERVER = "192.0.2.53"
# What the capture alone cannot know: why a client that could did not try, or a writer said nothing.
EXEMPT = {("A", "O")}  # smtp_tls_policy_maps
CANNOT = {"C", "N", "P"}  # TLS switched off for sending
HIDES = {"L": "client session stripped", "R": "template without protocol"}

# message: how the first host gets it, from whom, path. "Q" is a domain whose first MX is down; host C is its backup.
MESSAGES = {
    "m01": ("submission", "laptop", "AEHGB"),
    "m02": ("submission", "laptop", "EAK"),
    "m03": ("submission", "laptop", "EHAB"),
    "m04": ("plain", "app", "CAEH"),
    "m05": ("helo", "printer", "AGEK"),
    "m06": ("helo-starttls", "app", "AFB"),
    "m07": ("helo-starttls", "app", "BEA"),
    "m08": ("helo-tls", "app", "EGA"),
    "m09": ("auth-clear", "laptop", "ECGA"),
    "m10": ("local", "A", "AGFH"),
    "m11": ("local", "E", "EBGA"),
    "m12": ("tls", "app", "LAK"),
    "m13": ("plain", "app", "NPAE"),
    "m14": ("tls", "app", "FDEA"),
    "m15": ("tls", "app", "ADGB"),
    "m16": ("plain", "app", "HDEA"),
    "m17": ("tls", "app", "EMAK"),
    "m18": ("tls", "app", "AMEH"),
    "m19": ("plain", "app", "HMB"),
    "m20": ("tls", "app", "GDA"),
    "m21": ("tls", "app", "RGOB"),
    "m22": ("plain", "app", "OALE"),
    "m23": ("tls-on-connect", "laptop", "ELRA"),
    "m24": ("plain", "app", "PANK"),
    "m25": ("tls", "app", "AQEH"),
    "m26": ("tls", "app", "AOB"),
    "m27": ("tls-v6", "laptop", "AEH"),
    "m28": ("plain-v6", "laptop", "HEA"),
    "m29": ("submission", "laptop", "AKB"),
    "m30": ("local", "H", "HCA"),
    "m31": ("tls", "app", "EAGFH"),
    "m32": ("helo", "printer", "GRBA"),
    "m33": ("tls", "app", "OFLGA"),
    "m34": ("plain", "app", "RNEB"),
    "m35": ("helo-tls", "app", "GOK"),
    "m36": ("tls", "app", "BHK"),
    "m37": ("tls", "app", "ATE"),
    "m38": ("plain", "app", "HTB"),
    "m39": ("tls", "app", "GTA"),
}


def software(h): return HOSTS[h][0]
def name(h): return HOSTS[h][1]
def domain(h): return "quebec.example" if h == "Q" else HOSTS[h][2]
def traits(h): return HOSTS[h][5]
def host_of(step): return "C" if step == "Q" else step
def root(h): return WORLD / "roots" / h
def ns(key): return f"io-{key}".lower()


def sh(*args, **kw):
    return subprocess.run([str(a) for a in args], check=True, **kw)


# ---------------------------------------------------------------- the network


def make_network():
    sh("mount", "-t", "tmpfs", "tmpfs", "/run")
    WORLD.mkdir(parents=True)
    (WORLD / "roots").mkdir()
    for dev in ("lo",):
        sh("ip", "link", "set", dev, "up")
    sh("ip", "link", "add", "br0", "type", "bridge")
    sh("ip", "link", "set", "br0", "up", "promisc", "on")
    everyone = [(h, v[3], v[4]) for h, v in HOSTS.items()] + [(c, v[1], v[2]) for c, v in CLIENTS.items()]
    everyone.append(("dns", NAME_SERVER, None))
    for i, (key, v4, v6) in enumerate(everyone):
        n = ns(key)
        sh("ip", "netns", "add", n)
        sh("ip", "link", "add", f"v{i}", "type", "veth", "peer", "name", "eth0", "netns", n)
        sh("ip", "link", "set", f"v{i}", "master", "br0", "up")
        sh("ip", "netns", "exec", n, "sh", "-c",
           "sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.eth0.accept_dad=0;"
           " ip link set lo up; ip link set eth0 up;"
           f" ip addr add {v4}/32 dev eth0; for n in 192.0.2.0/24 198.51.100.0/24 203.0.113.0/24; do ip route add $n dev eth0 src {v4}; done;"
           + (f" ip -6 addr add {v6}/32 dev eth0 nodad" if v6 else ""))


def make_zone():
    lines = ["no-resolv", "no-hosts", "local=/example/", "local=/arpa/", "user=root", "port=53", f"listen-address={NAME_SERVER}", "bind-interfaces",
             "pid-file=/run/interop/dns.pid"]
    for h, (_, n, d, v4, v6, _) in HOSTS.items():
        lines.append(f"host-record={n},{v4}" + (f",{v6}" if v6 else ""))
        if d:
            lines.append(f"mx-host={d},{n},10")
    for n, v4, v6 in CLIENTS.values():
        lines.append(f"host-record={n},{v4}" + (f",{v6}" if v6 else ""))
    lines += ["host-record=mx1.quebec.example,192.0.2.250", "mx-host=quebec.example,mx1.quebec.example,10",
              f"mx-host=quebec.example,{name('C')},20"]
    (WORLD / "dns.conf").write_text("\n".join(lines) + "\n")
    # 192.0.2.250 belongs to the name server's host, where nothing listens on port 25: connection refused.
    sh("ip", "-n", ns("dns"), "addr", "add", "192.0.2.250/32", "dev", "eth0")
    return tool(ns("dns"), "dnsmasq", "-k", "-C", str(WORLD / "dns.conf"))


def tool(netns, program, *args):
    lib = TREES / "tools/usr/lib/x86_64-linux-gnu"
    path = next(p for p in (TREES / "tools/usr/sbin" / program, TREES / "tools/usr/bin" / program) if p.exists())
    cmd = [str(path), *args]
    if netns:
        cmd = ["ip", "netns", "exec", netns, *cmd]
    log = open(WORLD / f"{program}-{netns}.log", "w")
    return subprocess.Popen(cmd, env={**os.environ, "LD_LIBRARY_PATH": str(lib)}, stdout=log, stderr=log)


def make_certificates():
    ca = WORLD / "ca"
    ca.mkdir()
    quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", ca / "ca.key", "-out", ca / "ca.pem",
       "-days", "30", "-subj", "/CN=Interop Example CA", **quiet)
    for h in HOSTS:
        sh("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", ca / f"{h}.key", "-out", ca / f"{h}.csr",
           "-subj", f"/CN={name(h)}", **quiet)
        (ca / f"{h}.ext").write_text(f"subjectAltName=DNS:{name(h)}\n")
        sh("openssl", "x509", "-req", "-in", ca / f"{h}.csr", "-CA", ca / "ca.pem", "-CAkey", ca / "ca.key", "-days", "30",
           "-extfile", ca / f"{h}.ext", "-out", ca / f"{h}.pem", "-CAcreateserial", **quiet)


# ---------------------------------------------------------------- the roots

ACCOUNTS = ["root:0:0:/root", "daemon:1:1:/", "mail:8:8:/var/mail", "nobody:65534:65534:/nonexistent",
            "postfix:201:201:/var/spool/postfix", "Debian-exim:203:203:/var/spool/exim4", "smmta:204:204:/var/lib/sendmail",
            "smmsp:205:205:/var/lib/sendmail", "opensmtpd:206:206:/var/lib/opensmtpd/empty",
            "opensmtpq:207:207:/var/lib/opensmtpd/empty", "dovecot:208:208:/usr/lib/dovecot", "dovenull:209:209:/nonexistent",
            "vmail:300:300:/var/vmail"]


def make_root(h):
    r, tree = root(h), TREES / (software(h) if software(h) != "dovecot" else "postfix")
    for d in ("usr", "etc/ssl/mta", "etc/ssl/certs", "var/log", "var/spool", "var/mail", "var/tmp", "var/vmail", "var/lib", "var/run", "run", "tmp", "root", "dev", "proc", "home"):
        (r / d).mkdir(parents=True, exist_ok=True)
    upper = WORLD / "upper" / h
    for d in ("upper", "work"):
        (upper / d).mkdir(parents=True)
    sh("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={tree}/usr:/usr,upperdir={upper}/upper,workdir={upper}/work", r / "usr")
    sh("mount", "-t", "proc", "proc", r / "proc")
    for link in ("bin", "sbin", "lib", "lib64"):
        os.symlink(f"usr/{link}", r / link)
    for d in ("etc", "var"):
        if (tree / d).exists():
            sh("cp", "-a", f"{tree / d}/.", r / d)
    for node, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
        sh("mknod", "-m", "666", r / "dev" / node, "c", 1, minor)
    e = r / "etc"
    users = [a.split(":") for a in ACCOUNTS]
    (e / "passwd").write_text("".join(f"{u}:x:{i}:{g}:{u}:{d}:/bin/sh\n" for u, i, g, d in users))
    (e / "group").write_text("".join(f"{u}:x:{g}:\n" for u, _, g, _ in users) + "postdrop:x:202:\nsasl:x:45:\n")
    (e / "shadow").write_text("".join(f"{u}:*:19000:0:99999:7:::\n" for u, *_ in users))
    (e / "hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n")
    (e / "resolv.conf").write_text(f"nameserver {NAME_SERVER}\n")
    (e / "nsswitch.conf").write_text("passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\naliases: files\n")
    (e / "mailname").write_text(name(h) + "\n")
    for f in ("services", "protocols", "ld.so.conf", "localtime"):
        if Path("/etc", f).exists():
            shutil.copy(f"/etc/{f}", e / f)
    if Path("/etc/ld.so.conf.d").exists():
        shutil.copytree("/etc/ld.so.conf.d", e / "ld.so.conf.d", dirs_exist_ok=True)
    shutil.copy("/etc/ssl/openssl.cnf", e / "ssl/openssl.cnf")
    ca = WORLD / "ca"
    shutil.copy(ca / "ca.pem", e / "ssl/certs/ca-certificates.crt")
    shutil.copy(ca / f"{h}.pem", e / "ssl/mta/cert.pem")
    # The host that refuses STARTTLS with 454 has a key which does not fit its certificate.
    key = "A" if "refuses_454" in traits(h) else h
    shutil.copy(ca / f"{key}.key", e / "ssl/mta/key.pem")
    os.chmod(e / "ssl/mta/key.pem", 0o600)
    if software(h) == "exim":
        os.chown(e / "ssl/mta/key.pem", 203, 203)
    os.chown(r / "var/vmail", 300, 300)
    os.chmod(r / "tmp", 0o1777)
    os.chmod(r / "var/tmp", 0o1777)
    sh("chroot", r, "ldconfig", stderr=subprocess.DEVNULL)


def inside(h, *cmd):
    """The command line that runs cmd on host h."""
    return ["ip", "netns", "exec", ns(h), "unshare", "--uts", "sh", "-c", 'hostname "$0"; exec chroot "$@"', name(h), str(root(h)), *map(str, cmd)]


def routes(h):
    """(local part, domain, next address or None for the mailbox here)."""
    for m, (_, _, path) in MESSAGES.items():
        for i, step in enumerate(path):
            if host_of(step) == h:
                # A host that occurs twice on a path forwards by a second local part.
                yield part(m, path, i), domain(step), address(m, i + 1) if i + 1 < len(path) else None


def part(m, path, i):
    return m + "-again" * [host_of(s) for s in path[:i]].count(host_of(path[i]))


def address(m, i):
    path = MESSAGES[m][2]
    return f"{part(m, path, i)}@{domain(path[i])}"


# ---------------------------------------------------------------- the configurations


def configure_postfix(h):
    t, r = traits(h), root(h)
    main = {
        "compatibility_level": "3.6", "maillog_file": "/var/log/mail.log", "myhostname": name(h), "mydomain": domain(h), "myorigin": domain(h),
        "mydestination": "", "inet_interfaces": "all", "inet_protocols": "all" if HOSTS[h][4] else "ipv4", "mynetworks": "127.0.0.0/8 [::1]/128",
        "smtpd_relay_restrictions": "permit_mynetworks,permit_sasl_authenticated,reject_unauth_destination",
        "virtual_mailbox_domains": domain(h) + (" quebec.example" if h == "C" else ""), "virtual_alias_maps": "texthash:/etc/postfix/forwards",
        "virtual_mailbox_maps": "texthash:/etc/postfix/boxes", "virtual_mailbox_base": "/var/vmail", "virtual_uid_maps": "static:300",
        "virtual_gid_maps": "static:300", "smtpd_client_port_logging": "yes", "smtp_tls_loglevel": "1", "smtpd_tls_loglevel": "1",
        "queue_run_delay": "30s", "smtp_tls_CAfile": "/etc/ssl/certs/ca-certificates.crt", "biff": "no",
        "smtpd_tls_cert_file": "/etc/ssl/mta/cert.pem", "smtpd_tls_key_file": "/etc/ssl/mta/key.pem",
        "smtpd_tls_security_level": "may", "smtp_tls_security_level": "may", "smtp_host_lookup": "dns", "disable_vrfy_command": "yes",
        "virtual_alias_domains": "", "alias_maps": "", "alias_database": "", "local_transport": "error:none", "smtp_address_preference": "ipv6",
    }
    if "received_header" in t:
        main["smtpd_tls_received_header"] = "yes"
    if "no_tls" in t:
        main["smtpd_tls_security_level"] = main["smtp_tls_security_level"] = "none"
    if "client_tls12" in t:
        main["smtp_tls_protocols"] = ">=TLSv1.2, <=TLSv1.2"
    if "handshake_fails" in t:  # an RSA certificate and no suite that could use it
        main["smtpd_tls_protocols"] = "<=TLSv1.2"
        main["smtpd_tls_exclude_ciphers"] = "aRSA"
    if "strip" in t:
        main["header_checks"] = "regexp:/etc/postfix/strip"
        (r / "etc/postfix/strip").write_text(
            f"/^Received: from [^;]*by {re.escape(name(h))} \\(Postfix\\)[^;]* id ([^[:space:];]+)[^;]*;(.*)$/ REPLACE Received: by {name(h)} (Postfix) id $1;$2\n")
    if h == "A":
        main["smtp_tls_policy_maps"] = "texthash:/etc/postfix/policy"
        (r / "etc/postfix/policy").write_text("oscar.example none\n")
    if "lmtp_tcp" in t:
        main["virtual_transport"] = "lmtp:inet:[store.bravo.example]:24"
    if "lmtp_unix" in t:
        main["virtual_transport"] = "lmtp:unix:private/dovecot-lmtp"
    if "submission" in t:
        main |= {"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "private/auth"}
    (r / "etc/postfix/main.cf").write_text("".join(f"{k} = {v}\n" for k, v in main.items()))
    master = (TREES / "postfix/usr/share/postfix/master.cf.dist").read_text()
    master = re.sub(r"^(\S+\s+(?:inet|unix|unix-dgram|fifo|pass)\s+\S+\s+\S+\s+)y", r"\1n", master, flags=re.M)
    if "filter" in t:
        master = re.sub(r"^(smtp\s+inet.*smtpd)$", r"\1\n  -o content_filter=smtp:[127.0.0.1]:10024 -o receive_override_options=no_address_mappings", master, flags=re.M)
        master += ("127.0.0.1:10025 inet n - n - - smtpd\n  -o content_filter= -o receive_override_options=no_header_body_checks"
                   " -o mynetworks=127.0.0.0/8 -o smtpd_tls_security_level=none\n")
    if "submission" in t:
        master += ("submission inet n - n - - smtpd\n  -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes"
                   " -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject\n")
    if not re.search(r"^postlog\s", master, re.M):
        master += "postlog unix-dgram n - n - 1 postlogd\n"
    (r / "etc/postfix/master.cf").write_text(master)
    forwards = [(f"{p}@{d}", to) for p, d, to in routes(h)]
    (r / "etc/postfix/forwards").write_text("".join(f"{a} {to}\n" for a, to in forwards if to))
    (r / "etc/postfix/boxes").write_text("".join(f"{p}@{d} {p}/\n" for p, d, _ in routes(h)))
    for source in ("postfix-files", "dynamicmaps.cf"):
        if not (r / "etc/postfix" / source).exists():
            found = list((TREES / "postfix").rglob(source))
            if found:
                shutil.copy(found[0], r / "etc/postfix" / source)
    (r / "var/lib/postfix").mkdir(exist_ok=True)
    os.chown(r / "var/lib/postfix", 201, 201)
    for d in ("var/spool/postfix",):
        (r / d).mkdir(exist_ok=True)
    if t & {"submission", "lmtp_unix"}:
        configure_dovecot(h)


def configure_dovecot(h):
    conf = f"""
protocols = lmtp
log_path = /var/log/dovecot.log
ssl = no
hostname = {name(h)}
mail_location = maildir:/var/vmail/%n
first_valid_uid = 300
auth_mechanisms = plain login
auth_username_format = %n
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid=vmail gid=vmail home=/var/vmail/%n allow_all_users=yes
}}
service auth {{
  unix_listener /var/spool/postfix/private/auth {{
    mode = 0666
  }}
}}
service lmtp {{
  user = vmail
  unix_listener /var/spool/postfix/private/dovecot-lmtp {{
    mode = 0666
  }}
""" + ("  inet_listener lmtp {\n    address = 0.0.0.0\n    port = 24\n  }\n" if software(h) == "dovecot" else "") + "}\n"
    (root(h) / "etc/dovecot").mkdir(exist_ok=True)
    (root(h) / "etc/dovecot/dovecot.conf").write_text(conf)
    private = root(h) / "var/spool/postfix/private"
    private.mkdir(parents=True, exist_ok=True)
    os.chown(private, 201, 0)
    os.chmod(private, 0o700)


def configure_exim(h):
    t, r = traits(h), root(h)
    text = {
        "keyword_only": 'received_header_text = Received: ${if def:sender_rcvhost {from $sender_rcvhost\\n\\t}}by $primary_hostname'
                        '${if def:received_protocol { with $received_protocol}} (Exim $version_number)\\n\\tid $message_exim_id'
                        '${if def:received_for {\\n\\tfor $received_for}}\n',
        "bare": "received_header_text = Received: ${if def:sender_rcvhost {from $sender_rcvhost\\n\\t}}by $primary_hostname id $message_exim_id\n",
    }
    conf = f"""
primary_hostname = {name(h)}
keep_environment =
qualify_domain = {domain(h)}
domainlist local_domains = {domain(h)}
acl_smtp_rcpt = acl_rcpt
{"acl_smtp_starttls = acl_starttls" if "refuses_5yz" in t else ""}
host_lookup = *
rfc1413_hosts =
helo_allow_chars = _
auth_advertise_hosts = *
daemon_smtp_ports = 25 : 465 : 587
tls_on_connect_ports = 465
{"disable_ipv6 = true" if not HOSTS[h][4] else ""}
tls_certificate = /etc/ssl/mta/cert.pem
tls_privatekey = /etc/ssl/mta/key.pem
{"tls_advertise_hosts =" if "no_tls" in t else "tls_advertise_hosts = *"}
{"tls_require_ciphers = NORMAL:-VERS-TLS1.3" if "tls12" in t else ""}
log_selector = +incoming_port +outgoing_port +tls_cipher +smtp_protocol_error +smtp_connection +received_recipients +tls_peerdn +tls_sni
{"".join(v for k, v in text.items() if k in t)}
begin acl
acl_rcpt:
  accept domains = +local_domains
  accept authenticated = *
  deny
acl_starttls:
  deny
begin routers
forward:
  driver = redirect
  domains = +local_domains
  data = ${{lookup{{$local_part}}lsearch{{/etc/exim4/forwards}}}}
box:
  driver = accept
  domains = +local_domains
  transport = maildir
remote:
  driver = dnslookup
  transport = remote_smtp
begin transports
remote_smtp:
  driver = smtp
  hosts_try_dane =
  {"hosts_avoid_tls = *" if "no_tls" in t else ""}
  {"tls_require_ciphers = NORMAL:-VERS-TLS1.3" if "tls12" in t else ""}
maildir:
  driver = appendfile
  directory = /var/vmail/${{lookup{{$local_part}}lsearch{{/etc/exim4/boxes}}}}
  create_directory
  maildir_format
  delivery_date_add
  envelope_to_add
  return_path_add
  user = vmail
  group = vmail
begin retry
* * F,1h,1m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{anna}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
"""
    d = r / "etc/exim4"
    d.mkdir(exist_ok=True)
    (d / "exim4.conf").write_text(conf)
    all_routes = list(routes(h))
    (d / "forwards").write_text("".join(f"{p}: {to}\n" for p, _, to in all_routes if to))
    (d / "boxes").write_text("".join(f"{p}: {p}\n" for p, _, to in all_routes if not to))
    for path in ("var/spool/exim4", "var/log/exim4"):
        (r / path).mkdir(parents=True, exist_ok=True)
        os.chown(r / path, 203, 203)


def configure_sendmail(h):
    t, r = traits(h), root(h)
    mc = f"""divert(-1)
divert(0)dnl
OSTYPE(`debian')dnl
define(`confDOMAIN_NAME', `{name(h)}')dnl
define(`confDONT_BLAME_SENDMAIL', `GroupReadableKeyFile,GroupReadableSASLDBFile,ForwardFileInUnsafeDirPath,GroupWritableAliasFile')dnl
define(`confCACERT', `/etc/ssl/certs/ca-certificates.crt')dnl
define(`confCACERT_PATH', `/etc/ssl/certs')dnl
define(`confSERVER_CERT', `/etc/ssl/mta/cert.pem')dnl
define(`confSERVER_KEY', `/etc/ssl/mta/key.pem')dnl
define(`ALIAS_FILE', `/etc/mail/aliases')dnl
define(`confLOG_LEVEL', `10')dnl
define(`confTO_IDENT', `0s')dnl
define(`confMIN_QUEUE_AGE', `0')dnl
""" + ("define(`confRECEIVED_HEADER', `$?sfrom $s $.by $j ($v/$Z)$?r with $r$. id $i; $b')dnl\n" if "keyword_only" in t else "") + f"""
DAEMON_OPTIONS(`Family=inet, Name=MTA-v4, Port=smtp')dnl
LOCAL_DOMAIN(`{domain(h)}')dnl
FEATURE(`accept_unresolvable_domains')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
"""
    m = r / "etc/mail"
    m.mkdir(exist_ok=True)
    (m / "sendmail.mc").write_text(mc)
    for f in ("access", "local-host-names", "relay-domains"):
        (m / f).write_text("")
    (m / "aliases").write_text("postmaster: root\n" + "".join(f"{p}: {to or f'/var/mail/{p}'}\n" for p, _, to in routes(h)))
    cf = sh("chroot", r, "/usr/bin/m4", "-D_CF_DIR_=/usr/share/sendmail/cf/", "/usr/share/sendmail/cf/m4/cf.m4", "/etc/mail/sendmail.mc",
            stdout=subprocess.PIPE).stdout
    (m / "sendmail.cf").write_bytes(cf)
    for path, mode in (("var/spool/mqueue", 0o700), ("run/sendmail", 0o755), ("run/sendmail/mta", 0o755), ("var/run/sendmail/mta", 0o755),
                       ("var/lib/sendmail/host_status", 0o755), ("var/spool/mqueue-client", 0o770)):
        (r / path).mkdir(parents=True, exist_ok=True)
        os.chmod(r / path, mode)
    (r / "var/lib/sendmail/sendmail.st").write_text("")
    sh("chroot", r, "/usr/libexec/sendmail/sendmail", "-bi", stdout=subprocess.DEVNULL)


def configure_opensmtpd(h):
    t, r = traits(h), root(h)
    tls = "" if "no_tls" in t else "tls pki cert1 "
    mask = " mask-src" if "mask" in t else ""
    # OpenSMTPD can only be told to send without TLS to a named relay.
    nexts = {to.split("@")[1] for _, _, to in routes(h) if to}
    relays = "".join(f'action "to-{d}" relay host "smtp+notls://{name(next(k for k in HOSTS if domain(k) == d))}"\n' for d in sorted(nexts)) if "no_tls" in t else ""
    matches = "".join(f'match from any for domain "{d}" action "to-{d}"\n' for d in sorted(nexts)) if "no_tls" in t else 'match from any for any action "out"\n'
    users = {p for p, _, to in routes(h) if not to}
    d = r / "etc/smtpd"
    d.mkdir(exist_ok=True)
    (d / "map").write_text("".join(f"{p}@{dom} {to or 'vmail'}\n" for p, dom, to in routes(h)))
    crypt = subprocess.run(["openssl", "passwd", "-6", PASSWORD], capture_output=True, text=True, check=True).stdout.strip()
    (d / "creds").write_text(f"anna {crypt}\n")
    pki = 'pki cert1 cert "/etc/ssl/mta/cert.pem"\npki cert1 key "/etc/ssl/mta/key.pem"\n' if "no_tls" not in t else ""
    listen = f"listen on 0.0.0.0 port 25 {tls}hostname {name(h)}{mask}\n"
    if HOSTS[h][4]:
        listen += f"listen on {HOSTS[h][4]} port 25 {tls}hostname {name(h)}{mask}\n"
    if "submission" in t:
        listen += f"listen on 0.0.0.0 port 587 tls-require pki cert1 auth <creds> hostname {name(h)}\n"
    (r / "etc/smtpd.conf").write_text(f"""{pki}table map file:/etc/smtpd/map
table creds file:/etc/smtpd/creds
listen on socket
{listen}action "in" maildir "/var/vmail/%{{rcpt.user}}" virtual <map>
{relays}{'' if relays else 'action "out" relay helo ' + name(h) + chr(10)}match from any for domain "{domain(h)}" action "in"
{matches}""")
    os.chown(r / "usr/sbin/smtpctl", 0, 207)
    os.chmod(r / "usr/sbin/smtpctl", 0o2555)
    for path in ("var/spool/smtpd", "var/lib/opensmtpd/empty", "run/opensmtpd"):
        (r / path).mkdir(parents=True, exist_ok=True)
    os.chmod(r / "var/spool/smtpd", 0o711)
    if not (r / "run/empty").exists():
        (r / "var/empty").mkdir(exist_ok=True)


def configure(h):
    {"postfix": configure_postfix, "exim": configure_exim, "sendmail": configure_sendmail, "opensmtpd": configure_opensmtpd,
     "dovecot": configure_dovecot}[software(h)](h)


# ---------------------------------------------------------------- running


def listen_syslog(h):
    """Sendmail and OpenSMTPD speak syslog only; this is the whole syslogd."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    path = root(h) / "dev/log"
    s.bind(str(path))
    os.chmod(path, 0o666)
    out = open(root(h) / "var/log/mail.log", "ab", buffering=0)

    def pump():
        while True:
            out.write(re.sub(rb"^<\d+>", b"", s.recv(8192)).rstrip(b"\n\0") + b"\n")
    threading.Thread(target=pump, daemon=True).start()


def start(h):
    if software(h) in ("sendmail", "opensmtpd"):
        listen_syslog(h)
    log = open(root(h) / "var/log/start.log", "w")
    run = lambda *c: subprocess.Popen(inside(h, *c), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    if software(h) == "dovecot" or traits(h) & {"submission", "lmtp_unix"} and software(h) == "postfix":
        run("/usr/sbin/dovecot", "-F")
    if "filter" in traits(h):
        subprocess.Popen(["ip", "netns", "exec", ns(h), sys.executable, os.path.abspath(__file__), "filter"], stdout=log, stderr=log)
    if software(h) == "postfix":
        run("/usr/sbin/postfix", "start-fg")
    elif software(h) == "exim":
        run("/usr/sbin/exim4", "-bdf", "-q20s")
    elif software(h) == "sendmail":
        run("/usr/libexec/sendmail/sendmail", "-bD", "-q10s")
    elif software(h) == "opensmtpd":
        run("/usr/sbin/smtpd", "-F")


def serve_filter():
    """An after-queue content filter: takes mail on port 10024, hands it back on 10025, changes nothing."""
    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            def say(x): self.wfile.write(x.encode() + b"\r\n")
            sender, to = None, []
            say("220 localhost ESMTP filter")
            for line in iter(self.rfile.readline, b""):
                text = line.decode("latin-1").strip()
                verb = text[:4].upper()
                if verb in ("EHLO", "HELO"):
                    say("250 localhost")
                elif verb == "MAIL":
                    sender = re.search(r"<(.*?)>", text)[1]
                    say("250 ok")
                elif verb == "RCPT":
                    to.append(re.search(r"<(.*?)>", text)[1])
                    say("250 ok")
                elif verb == "DATA":
                    say("354 go on")
                    data = b""
                    for line in iter(self.rfile.readline, b".\r\n"):
                        data += line[1:] if line.startswith(b".") else line
                    with smtplib.SMTP("127.0.0.1", 10025, local_hostname="localhost") as s:
                        s.sendmail(sender, to, data)
                    say("250 passed on")
                    sender, to = None, []
                elif verb == "QUIT":
                    return say("221 bye")
                else:
                    say("250 ok")
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer(("127.0.0.1", 10024), Handler).serve_forever()


def message_text(m, sender):
    now = email.utils.formatdate(localtime=False)
    body = f"Message {m} of the interop set.\r\n" + "It is long enough to be told from a handshake in a capture.\r\n" * 30
    return (f"From: Anna Example <anna@{sender}>\r\nTo: {address(m, 0)}\r\nSubject: interop {m}\r\nDate: {now}\r\n"
            f"Message-ID: <{m}@{sender}>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
            + body)


def send(m):
    """Runs inside the client's namespace."""
    how, who, path = MESSAGES[m]
    h = path[0]
    helo = CLIENTS[who][0]
    v6 = how.endswith("-v6")
    how = how.removesuffix("-v6")
    ip = HOSTS[h][4] if v6 else HOSTS[h][3]
    port = {"submission": 587, "auth-clear": 587, "tls-on-connect": 465}.get(how, 25)
    ctx = ssl.create_default_context()
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    if how == "tls-on-connect":
        s = smtplib.SMTP_SSL(ip, port, local_hostname=helo, context=ctx, timeout=60)
    else:
        s = smtplib.SMTP(ip, port, local_hostname=helo, timeout=60)
    if how in ("helo", "helo-starttls"):
        s.helo()
    else:
        s.ehlo()
    if how in ("submission", "tls", "helo-tls"):
        s.starttls(context=ctx)
        if how == "helo-tls":
            s.helo()
    if how == "helo-starttls":
        s.docmd("STARTTLS")
        s.sock, s.file = ctx.wrap_socket(s.sock), None
        s.helo()
    if how in ("submission", "auth-clear", "tls-on-connect"):
        s.ehlo()
        s.login("anna", PASSWORD)
    s.sendmail("anna@client.example", [address(m, 0)], message_text(m, "client.example"))
    s.quit()


def submit(m):
    how, who, path = MESSAGES[m]
    if how != "local":
        sh("ip", "netns", "exec", ns(who), sys.executable, os.path.abspath(__file__), "send", m)
        return
    text = message_text(m, "client.example").replace("\r\n", "\n").encode()
    program = {"postfix": "/usr/sbin/sendmail", "exim": "/usr/sbin/exim4", "opensmtpd": "/usr/sbin/sendmail"}[software(who)]
    sh(*inside(who, program, "-i", "-f", "anna@client.example", address(m, 0)), input=text)


def mailbox(m):
    """The delivered file of message m, or None."""
    path = MESSAGES[m][2]
    last = path[-1]
    p = part(m, path, len(path) - 1)
    where = "S" if last == "B" else last
    if software(last) == "sendmail":
        box = root(last) / "var/mail" / p
        return box if box.exists() and box.stat().st_size else None
    base = root(where) / "var/vmail"
    for d in {p, m}:
        for sub in ("new", "Maildir/new", "cur"):
            found = sorted((base / d / sub).glob("*"))
            if found:
                return found[0]
    return None


def run():
    make_network()
    make_certificates()
    make_zone()
    for h in HOSTS:
        make_root(h)
        configure(h)
    loops = [h for h in HOSTS if "filter" in traits(h)]
    captures = [tool(None, "tcpdump", "-Z", "root", "-i", "br0", "-s", "0", "-B", "8192", "-U", "-w", str(WORLD / "net.pcap"), "tcp")]
    for h in loops:
        captures.append(tool(ns(h), "tcpdump", "-Z", "root", "-i", "lo", "-s", "0", "-U", "-w", str(WORLD / f"lo-{h}.pcap"), "tcp"))
    time.sleep(1)
    for h in HOSTS:
        start(h)
    wait_ports()
    chosen = [m for m in MESSAGES if not (os.environ.get("INTEROP_QUICK") and m in SLOW)]
    if os.environ.get("INTEROP_ONLY"):
        chosen = os.environ["INTEROP_ONLY"].split(",")
    sent, got = {}, {}
    for m in sorted(chosen, key=lambda m: m not in SLOW):
        sent[m] = time.time()
        try:
            submit(m)
        except Exception as e:
            print(f"interop: {m}: not accepted: {e}", flush=True)
            continue
        if m in SLOW:
            time.sleep(3)
            continue
        for _ in range(300):
            if mailbox(m):
                got[m] = time.time()
                break
            time.sleep(0.1)
        else:
            print(f"interop: {m} has not arrived within 30 s", flush=True)
        time.sleep(0.3)
    limit = time.time() + 500
    while any(m in sent and not mailbox(m) for m in chosen) and time.time() < limit and not os.environ.get("INTEROP_IMPATIENT"):
        time.sleep(1)
    time.sleep(1)
    keep(chosen, sent)
    wrong = probe(os.environ["INTEROP_STARTTRACE"]) if os.environ.get("INTEROP_STARTTRACE") else 0
    if os.environ.get("INTEROP_HOOK"):
        subprocess.run(["ip", "netns", "exec", ns("laptop"), "sh", "-c", os.environ["INTEROP_HOOK"]], check=False)
    for c in captures:
        c.terminate()
    if wrong:
        raise SystemExit(f"interop: {wrong} of explain's judgements are wrong")


def probe(starttrace):
    """Has the servers probed by starttrace explain while they run, keeps what it saw (one domain report a line), and holds
    what it concludes against the truth: of each message alone, of all together, and with the logs of all servers."""
    network = ["--resolver", NAME_SERVER, "--probe-private", "--control", "none", "--timeout", "20"]
    messages = sorted(map(str, OUT.glob("m*.eml")))

    def explain(files, *flags):
        found = subprocess.run(["ip", "netns", "exec", ns("laptop"), starttrace, "explain", "-f", "ndjson", *flags, *files],
                               stdout=subprocess.PIPE, check=False)
        return found.stdout.decode().splitlines()

    together = explain(messages, *network)
    keep_probes(together)
    logs = [f"--log={log}" for log in sorted(map(str, (OUT / "logs").iterdir()))]
    return (judge("each message alone, while the servers run", [line for m in messages for line in explain([m], *network)])
            + judge("all messages together, while the servers run", together)
            + judge("all together, with the logs of all servers, while they run", explain(messages, *logs, *network)))


def judge(title, lines):
    """Prints the confusion table of explanations against truth.jsonl; gives how many hops are judged wrongly. Every hop that
    has a true cause is counted once, by the rank that explain gives that cause; the others were encrypted, and their lines say so."""
    truth = [json.loads(line) for line in (OUT / "truth.jsonl").read_text().splitlines()]
    found = {}
    for line in lines:
        data = json.loads(line)["data"]
        for hop in data["hops"]:
            found[Path(data["chain"]["source"]["path"]).stem, hop["hop"]] = hop
    ranks, states, wrong, proved = {}, {}, [], 0
    for hop in truth:
        here, mine = f"{hop['message']} hop {hop['hop']}", found[hop["message"], hop["hop"]]
        state, standing = mine["conclusion"]["state"], mine["conclusion"]["standing"]
        states[hop["tls"], state, standing] = states.get((hop["tls"], state, standing), 0) + 1
        proved += standing == "proved" and state in ("encrypted", "cleartext")
        if (hop["tls"], state) in {("encrypted", "cleartext"), ("no-network", "cleartext"), ("cleartext", "encrypted"),
                                   ("no-network", "encrypted")}:
            wrong.append(f"{here}: {hop['tls']}, called {state} ({standing})")
        holds = {hop["cause"], *hop["also"]} - {None}
        for cause in mine["causes"]:
            if cause["standing"] in ("proved", "likely") and cause["code"] not in holds:
                wrong.append(f"{here}: {hop['cause']}, called {cause['standing']} {cause['code']}")
        if hop["cause"]:
            codes = [cause["code"] for cause in mine["causes"]]
            rank = min([codes.index(code) + 1 for code in holds if code in codes], default=0) if state == "cleartext" and standing == "proved" else \
                codes.index(hop["cause"]) + 1 if hop["cause"] in codes else 0
            column = "1st" if rank == 1 else "2nd" if rank == 2 else "later" if rank else "none"
            ranks.setdefault(hop["cause"], dict.fromkeys(("1st", "2nd", "later", "none"), 0))[column] += 1
            if column in ("later", "none") and (state, standing) != ("encrypted", "proved"):
                wrong.append(f"{here}: {hop['cause']} is {column} of {codes[:4]}")
    judged, listed = sum(sum(row.values()) for row in ranks.values()), sum(1 for hop in truth if hop["cause"])
    assert judged == listed, f"{judged} judged, {listed} have a cause"
    print(f"interop: {title}\n  {'true cause':32}{'1st':>6}{'2nd':>6}{'later':>6}{'none':>6}")
    for cause, row in sorted(ranks.items()):
        print(f"  {cause:32}" + "".join(f"{n:6}" for n in row.values()))
    print(f"  {'sum':32}" + "".join(f"{sum(row[c] for row in ranks.values()):6}" for c in ("1st", "2nd", "later", "none"))
          + f"   = {judged} hops with a cause, of {len(truth)}; the other {len(truth) - judged} were encrypted and say so")
    for (tls, state, standing), n in sorted(states.items()):
        print(f"  {n:6}  truth {tls}: {standing} {state}")
    print(f"  {proved} hops proved, {len(wrong)} wrong")
    for line in wrong:
        print(f"  WRONG {line}")
    sys.stdout.flush()
    return len(wrong)


def keep_probes(lines):
    reports = {}
    for line in lines:
        for report in json.loads(line)["data"]["probes"]:
            # A domain whose MX records alone were asked for has no hosts.
            reports.setdefault((report["input"], not report["observed"]["hosts"]), report)
    (OUT / "probes.ndjson").write_text("".join(
        json.dumps({"schema": "1.0", "type": "domain-report", "data": reports[key]}) + "\n" for key in sorted(reports)))


def wait_ports():
    want = [(h, 24 if software(h) == "dovecot" else 25) for h in HOSTS]
    limit = time.time() + 30
    while want and time.time() < limit:
        want = [(h, p) for h, p in want if subprocess.run(
            ["ip", "netns", "exec", ns(h), "sh", "-c", f"ss -ltn | grep -q ':{p} '"], check=False).returncode]
        time.sleep(0.5)
    for h, p in want:
        print(f"interop: {name(h)} ({software(h)}) does not listen on port {p}", flush=True)
        for f in ("start.log", "mail.log", "exim4/paniclog"):
            path = root(h) / "var/log" / f
            if path.exists():
                print(path.read_text(errors="replace")[-1500:], flush=True)
    time.sleep(1)


# ---------------------------------------------------------------- the capture

SUITES = {0x1301: "TLS_AES_128_GCM_SHA256", 0x1302: "TLS_AES_256_GCM_SHA384", 0x1303: "TLS_CHACHA20_POLY1305_SHA256",
          0xc02f: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xc030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
          0x00a7: "TLS_DH_anon_WITH_AES_256_GCM_SHA384", 0xc019: "TLS_ECDH_anon_WITH_AES_256_CBC_SHA",
          0xcca8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0x009f: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"}
VERSIONS = {0x0301: "TLSv1.0", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}


class Connection:
    """One TCP connection to a mail port, read back: what was said in clear, and which TLS was agreed."""

    def __init__(self, key, start, end, c, s):
        (self.client, self.client_port, self.server, self.port), self.start, self.end = key, start, end
        self.offered = self.asked = self.delivered = self.tls = False
        self.reply = self.version = self.suite = self.failure = self.helo = None
        self.read(c, s)

    def read(self, c, s):
        if self.port == 465:
            return self.read_tls(c, s)
        replies = iter(re.findall(rb"(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\r?\n", s))
        next(replies, b"")
        at = 0
        while (end := c.find(b"\n", at)) >= 0:
            line, at = c[at:end].strip().upper(), end + 1
            answer = next(replies, b"")
            if line.startswith((b"EHLO", b"LHLO")):
                self.helo = "EHLO"
                self.offered |= bool(re.search(rb"^250[ -]STARTTLS", answer, re.M))
            elif line.startswith(b"HELO"):
                self.helo = "HELO"
            elif line == b"STARTTLS":
                self.asked, self.reply = True, answer.decode("latin-1").strip()
                if answer.startswith(b"220"):
                    return self.read_tls(c[at:], s[s.index(answer) + len(answer):])
            elif line.startswith(b"BDAT"):
                at += int(line.split()[1])
                if line.endswith(b"LAST"):
                    self.delivered = answer.startswith(b"250")
                    return
            elif line == b"DATA":
                self.delivered = b"\r\n.\r\n" in c[at:] and answer.startswith(b"354") and next(replies, b"").startswith(b"250")
                return

    def read_tls(self, c, s):
        self.asked = True
        app = {}
        for side, data in (("c", c), ("s", s)):
            at = 0
            while at + 5 <= len(data):
                kind, _, size = struct.unpack(">BHH", data[at:at + 5])
                body = data[at + 5:at + 5 + size]
                at += 5 + size
                if kind == 22 and side == "s" and body[:1] == b"\x02" and not self.version:
                    self.read_server_hello(body)
                elif kind == 21 and len(body) == 2 and not app.get("c"):
                    self.failure = f"alert {body[1]} from {'client' if side == 'c' else 'server'}"
                elif kind == 23:
                    app[side] = app.get(side, 0) + size
        self.tls = bool(app.get("c", 0) and app.get("s", 0))
        self.delivered = self.tls and app["c"] > 1500
        if not self.tls and not self.failure:
            self.failure = "closed"

    def read_server_hello(self, b):
        version, = struct.unpack(">H", b[4:6])
        at = 38
        at += 1 + b[at]
        suite, = struct.unpack(">H", b[at:at + 2])
        at += 3
        if at + 2 <= len(b):
            stop = at + 2 + struct.unpack(">H", b[at:at + 2])[0]
            at += 2
            while at + 4 <= stop:
                kind, size = struct.unpack(">HH", b[at:at + 4])
                if kind == 43:
                    version, = struct.unpack(">H", b[at + 4:at + 6])
                at += 4 + size
        self.version, self.suite = VERSIONS.get(version, hex(version)), SUITES.get(suite, hex(suite))


def read_capture(path):
    data = Path(path).read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    nano = data[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d")
    at, streams = 24, {}
    while at + 16 <= len(data):
        sec, frac, size, _ = struct.unpack(order + "IIII", data[at:at + 16])
        p = data[at + 16:at + 16 + size]
        at += 16 + size
        kind = p[12:14]
        if kind == b"\x08\x00":
            ip = p[14:14 + struct.unpack(">H", p[16:18])[0]]
            src, dst, seg = socket.inet_ntop(socket.AF_INET, ip[12:16]), socket.inet_ntop(socket.AF_INET, ip[16:20]), ip[(ip[0] & 15) * 4:]
        elif kind == b"\x86\xdd" and p[20] == 6:
            ip = p[14:54 + struct.unpack(">H", p[18:20])[0]]
            src, dst, seg = socket.inet_ntop(socket.AF_INET6, ip[8:24]), socket.inet_ntop(socket.AF_INET6, ip[24:40]), ip[40:]
        else:
            continue
        sp, dp, seq = struct.unpack(">HHI", seg[:8])
        body = seg[(seg[12] >> 4) * 4:]
        to_server = dp in (24, 25, 465, 587, 10024, 10025)
        key = (src, sp, dst, dp) if to_server else (dst, dp, src, sp)
        t = sec + frac / (1e9 if nano else 1e6)
        if seg[13] & 2 and to_server and not seg[13] & 16 and key in streams:
            streams[key + (t,)] = streams.pop(key)
        st = streams.setdefault(key, {"start": t, "c": {}, "s": {}, "syn": {}})
        st["end"] = t
        side = "c" if to_server else "s"
        if seg[13] & 2:
            st["syn"][side] = seq
        if body:
            st[side].setdefault(seq, body)
    out = []
    for key, st in streams.items():
        if key[3] not in (24, 25, 465, 587, 10024, 10025):
            continue
        flat = {}
        for side in "cs":
            base, buf = st["syn"].get(side, min(st[side], default=0) - 1) + 1, bytearray()
            for seq, body in sorted(st[side].items(), key=lambda x: (x[0] - base) % 2**32):
                off = (seq - base) % 2**32
                if off < len(buf):
                    body = body[len(buf) - off:]
                buf += body
            flat[side] = bytes(buf)
        out.append(Connection(key[:4], st["start"], st["end"], flat["c"], flat["s"]))
    return sorted(out, key=lambda c: c.start)


# ---------------------------------------------------------------- the truth


def addresses(key):
    if key in HOSTS:
        return {a for a in HOSTS[key][3:5] if a}
    return {a for a in CLIENTS[key][1:3] if a}


def expected(m):
    """The hops of message m in travel order: (client, host, kind)."""
    how, who, path = MESSAGES[m]
    at = None
    for i, step in enumerate(path):
        h = host_of(step)
        if i == 0 and how == "local":
            yield None, h, "local"
        else:
            yield at or who, h, "network"
        if "filter" in traits(h) and not (i == 0 and how == "local"):
            yield h, h, "filter"
        at = h
    if "lmtp_unix" in traits(at):
        yield at, at, "lmtp-unix"
    if "lmtp_tcp" in traits(at):
        yield at, "S", "lmtp"


def received_fields(raw):
    head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    unfolded = re.sub(rb"\r?\n[ \t]+", b" ", head).decode("latin-1").split("\n")
    return [line[9:].strip() for line in unfolded if line.lower().startswith("received:")][::-1]


def truth_of(m, connections, raw):
    fields, plan = received_fields(raw), list(expected(m))
    if len(fields) != len(plan):
        raise SystemExit(f"interop: {m}: {len(fields)} Received fields, {len(plan)} expected:\n" + "\n".join(fields))
    for number, (field, (client, h, kind)) in enumerate(zip(fields, plan), 1):
        by = re.search(r"\bby\s+(\S+)", field)
        if not by or by[1] != name(h):
            raise SystemExit(f"interop: {m} hop {number}: expected {name(h)} in: {field}")
        queue_id = re.search(r"\bid\s+([^\s;]+)", field)
        when = email.utils.parsedate_to_datetime(re.sub(r"\s*\([^)]*\)\s*$", "", field.rsplit(";", 1)[1]).strip()).timestamp()
        hop = {"message": m, "hop": number, "by": name(h), "id": queue_id and queue_id[1], "software": software(h), "kind": kind,
               "from": None, "to": None, "tls": None, "version": None, "cipher": None, "cause": None, "also": [], "note": None, "earlier": [], "log": []}
        if kind in ("local", "lmtp-unix"):
            hop["cause"] = "inside-one-host"
            hop["tls"] = "no-network"
        else:
            if kind == "filter":
                near = [c for c in connections if c.port == 10025 and c.server == "127.0.0.1"]
            else:
                near = [c for c in connections if c.server in addresses(h) and c.client in addresses(client)]
            # A date has whole seconds, and is taken when the message begins (Sendmail: when the session does).
            fit = [c for c in near if c.delivered and c.start - 1.5 <= when <= c.end + 1.5]
            fit = [c for c in fit if when <= c.end and when + 1 >= c.start] or fit
            if len(fit) > 1:
                print(f"interop: {m} hop {number}: {len(fit)} connections fit, {[(c.start, c.end) for c in fit]}", flush=True)
                if len({(c.tls, c.version, c.suite) for c in fit}) > 1:
                    raise SystemExit("interop: and they differ")
            if not fit:
                raise SystemExit(f"interop: {m} hop {number}: no connection fits: {field}\n" + "\n".join(str(vars(c)) for c in near))
            c = fit[0]
            earlier = [e for e in near if not e.delivered and when - 900 < e.start < c.start and (e.failure or e.reply)]
            if m not in SLOW:
                earlier = [e for e in earlier if e.start > when - 60]
            hop["from"] = {"host": HOSTS[client][1] if client in HOSTS else CLIENTS[client][0], "ip": c.client, "port": c.client_port,
                           "software": software(client) if client in HOSTS else "script"}
            hop["to"] = {"ip": c.server, "port": c.port}
            hop["tls"] = "encrypted" if c.tls else "cleartext"
            hop["version"], hop["cipher"] = (c.version, c.suite) if c.tls else (None, None)
            hop["earlier"] = [{"at": stamp(e.start), "starttls": e.reply, "failure": e.failure} for e in earlier]
            hop["cause"], hop["note"] = cause_of(c, earlier, client, h, kind)
            if number == 1 and (said := {"helo-tls": "EHLO, STARTTLS, HELO", "helo-starttls": "HELO, STARTTLS, HELO"}.get(MESSAGES[m][0])):
                hop["note"] = "; ".join(x for x in (said, hop["note"]) if x)
                if said.startswith("HELO") and "received_header" not in traits(h):
                    hop["cause"] = "tls-not-recorded"
            if "Q" in MESSAGES[m][2] and client == "A" and h == "C":
                hop["cause"], hop["note"] = "backup-mx-took-it", "mx1.quebec.example refuses connections; the backup offers no STARTTLS"
        hop["also"] = also(hop, client, h)
        hop["log"] = log_lines(hop, client, h)
        yield hop


def also(hop, client, h):
    """Causes that are as true of the hop as `cause`: seen from the other side, or one more reason that would have been enough."""
    cause, out = hop["cause"], []
    if cause == "handshake-fails-for-all":
        out.append("sender-fell-back")
    if cause == "suites-incompatible":  # of all senders here
        out += ["handshake-fails-for-all", "sender-fell-back"]
    if cause == "backup-mx-took-it":
        out.append("starttls-not-offered")
    if cause == "sender-exempts-domain":
        out.append("sender-did-not-try")
    if hop["kind"] == "local":
        out.append("not-smtp")
    if cause == "starttls-not-offered" and (client in CANNOT or client in CLIENTS) or cause == "sender-cannot-tls":
        out.append("sender-did-not-try")
    return out


def cause_of(c, earlier, client, h, kind):
    if kind == "filter":
        return "inside-one-host", None
    if c.tls:
        if h in HIDES:
            return "tls-not-recorded", HIDES[h]
        return None, None
    if kind == "lmtp":
        return "inside-one-organisation", "LMTP to the store"
    if c.reply:
        word = "starttls-temporarily-refused" if c.reply.startswith("4") else "starttls-refused"
        return word, c.reply
    # What OpenSSL says that finds no shared suite; a hello with anonymous suites would have been answered.
    if any(e.failure == "alert 40 from server" for e in earlier):
        return "suites-incompatible", "no shared cipher, and the sender fell back (sender-fell-back): alert 40 from server"
    if any(e.failure for e in earlier):
        return "handshake-fails-for-all", "the sender fell back (sender-fell-back): " + next(e.failure for e in earlier if e.failure)
    if c.helo == "HELO":
        return "sender-cannot-tls", "the client says HELO"
    if (client, h) in EXEMPT:
        return "sender-exempts-domain", "smtp_tls_policy_maps: none"
    if c.offered:
        return "sender-did-not-try", "TLS switched off for sending" if client in CANNOT else None
    return "starttls-not-offered", "and the sender would not have tried" if client in CANNOT or client == "app" else None


def stamp(t):
    return datetime.fromtimestamp(t, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def log_of(h):
    return {"exim": "var/log/exim4/mainlog", "dovecot": "var/log/dovecot.log"}.get(software(h), "var/log/mail.log")


def log_text(h):
    path = root(h) / log_of(h)
    if not path.exists():
        return ""
    text = path.read_text(errors="replace")
    return text


def log_lines(hop, client, h):
    """Server lines that name the id, and the client's delivery lines to this server, in the seconds of the hop."""
    found = [f"{name(h)}: {line}" for line in log_text(h).splitlines() if hop["id"] and hop["id"] in line][:6]
    if client in HOSTS and client != h:
        for line in log_text(client).splitlines():
            if (hop["id"] and hop["id"] in line) or (hop["message"] + "@" in line or hop["message"] + "-again@" in line) and name(h) in line:
                found.append(f"{name(client)}: {line}")
    return found[:10]


def keep(chosen, sent):
    connections = read_capture(WORLD / "net.pcap")
    for h in HOSTS:
        if "filter" in traits(h):
            connections += read_capture(WORLD / f"lo-{h}.pcap")
    for old in OUT.glob("*.eml"):
        old.unlink()
    hops, kept = [], 0
    for m in sorted(chosen):
        path = mailbox(m)
        if not path:
            print(f"interop: {m} was not delivered", flush=True)
            continue
        raw = path.read_bytes().replace(b"\r\n", b"\n")
        raw = re.sub(rb"\AFrom [^\n]*\n", b"", raw)
        try:
            mine = list(truth_of(m, connections, raw))
        except SystemExit as e:
            print(e, flush=True)
            continue
        (OUT / f"{m}.eml").write_bytes(raw)
        hops += mine
        kept += 1
    (OUT / "truth.jsonl").write_text("".join(json.dumps(h) + "\n" for h in hops))
    logs = OUT / "logs"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir()
    for h in HOSTS:
        if text := log_text(h):
            (logs / f"{name(h)}.{software(h)}.log").write_text(text)
    (OUT / "versions.txt").write_text("".join(sorted({l.replace("\t", " ") for f in TREES.glob("*.versions") for l in f.read_text().splitlines(True)
                                                      if re.match(r"(postfix|dovecot|exim4|sendmail|opensmtpd|tcpdump|dnsmasq)", l)})))
    if os.environ.get("INTEROP_KEEP"):
        for capture in WORLD.glob("*.pcap"):
            shutil.copy(capture, os.environ["INTEROP_KEEP"])
    states = {}
    for hop in hops:
        states[hop["tls"], hop["cause"]] = states.get((hop["tls"], hop["cause"]), 0) + 1
    print(f"interop: {kept} of {len(chosen)} messages, {len(hops)} hops")
    for (state, cause), n in sorted(states.items(), key=str):
        print(f"  {n:4} {state:10} {cause or '-'}")
    sys.stdout.flush()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["run"]:
            run()
        case ["send", m]:
            send(m)
        case ["filter"]:
            serve_filter()
        case ["keep-probes"]:
            keep_probes(sys.stdin)
        case ["judge", title]:
            judge(title, sys.stdin)
