package aide

import (
	"io/fs"
	"os/user"
	"strconv"
	"syscall"
)

// Account is the user and the group that a distribution gives AIDE's databases to;
// zero if there is none.
type Account struct{ UID, GID int }

// FindAccount looks for the account of Debian's and Ubuntu's package aide-common, which
// runs AIDE as it and keeps /var/lib/aide and the databases in it for it.
func FindAccount() Account {
	u, err := user.Lookup("_aide")
	if err != nil {
		return Account{}
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err1 != nil || err2 != nil {
		return Account{}
	}
	return Account{uid, gid}
}

// account is FindAccount, but in tests.
var account = FindAccount

// user says whether a file is the account's, and group whether its group is.
func (a Account) user(info fs.FileInfo) bool {
	return a.UID > 0 && int(info.Sys().(*syscall.Stat_t).Uid) == a.UID // on Linux, it always is one
}

func (a Account) group(info fs.FileInfo) bool {
	return a.GID > 0 && int(info.Sys().(*syscall.Stat_t).Gid) == a.GID
}

// TrustedBaseline wants a baseline that only root, the user of this process and the
// distribution's account for AIDE can change, as Trusted does. Of one that is not there
// the error is fs.ErrNotExist, and the folders on the way to it are well.
func TrustedBaseline(path string) error { return trusted(path, account()) }
