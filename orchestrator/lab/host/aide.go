package host

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// build is what the machine's AIDE was built with.
type build struct {
	minor       int // of its version 0.MINOR
	acl, xattrs bool
}

var (
	aideVersion = regexp.MustCompile(`(?mi)^aide 0\.(\d+)`)
	// Up to 0.16 `aide --version` lists options of its build, later attributes.
	aideACL    = regexp.MustCompile(`(?m)^(acl: yes|WITH_POSIX_ACL)$`)
	aideXattrs = regexp.MustCompile(`(?m)^(xattrs: yes|WITH_XATTR)$`)
)

// readAIDE asks the machine's AIDE.
func readAIDE() (build, error) {
	aide, err := lookUp("aide")
	if err != nil {
		return build{}, err
	}
	out, err := exec.Command(aide, "--version").CombinedOutput() // 0.16 prints it to stderr
	if err != nil {
		return build{}, fmt.Errorf("%s --version: %w: %.200q", aide, err, out)
	}
	return parseAIDE(string(out))
}

func parseAIDE(version string) (build, error) {
	m := aideVersion.FindStringSubmatch(version)
	if m == nil {
		return build{}, fmt.Errorf("parse version of AIDE %.100q: no 0.N in it", version)
	}
	minor, err := strconv.Atoi(m[1])
	if err != nil {
		return build{}, fmt.Errorf("parse version of AIDE %.100q: %w", version, err)
	}
	return build{minor: minor, acl: aideACL.MatchString(version), xattrs: aideXattrs.MatchString(version)}, nil
}

// aideConfig is AIDE's configuration on a host: a small one with the shape,
// places and attributes of its distribution's. Nothing that it watches changes by
// itself. Times and link counts of folders are left out: whether a new file is
// also a changed folder would depend on the second and on the file system.
func aideConfig(l Layout, b build) string {
	in := "database_in"
	if b.minor < 17 {
		in = "database" // the only name then, and gone in 0.19
	}
	meta := "p+i+u+g"
	if b.acl {
		meta += "+acl"
	}
	if b.xattrs {
		meta += "+xattrs"
	}
	var head string
	switch l {
	case Debian:
		head = lines(
			in+"=file:"+l.Database(),
			"database_out=file:"+l.NewDatabase(),
			"gzip_dbout=yes",
			"report_url=file:/var/log/aide/aide.log",
			"report_url=stdout",
			"",
			"Perms = "+meta,
			"Full = Perms+n+s+m+c+sha256+sha512",
		)
	default:
		head = lines(
			"@@define DBDIR /var/lib/aide",
			"@@define LOGDIR /var/log/aide",
			in+"=file:@@{DBDIR}/aide.db.gz",
			"database_out=file:@@{DBDIR}/aide.db.new.gz",
			"gzip_dbout=yes",
			"report_url=file:@@{LOGDIR}/aide.log",
			"report_url=stdout",
			"",
			"Perms = "+meta,
			"Full = Perms+n+s+m+c+sha512",
		)
	}
	return "# AIDE on a host of the lab.\n" + head + lines(
		"",
		`!/etc/mtab$`,
		`!/etc/\.pwd\.lock$`,
		`!/etc/.*~$`,
		"/etc d Perms",
		"/srv d Perms",
		"/etc Full",
		"/srv Full",
		`/usr/bin/aide-node$ Full`,
	)
}
