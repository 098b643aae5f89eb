package aide

import (
	"io/fs"
	"os/user"
	"strconv"
	"syscall"
)

// Account is the user and the group to which a distribution gives AIDE's databases; zero if
// there is none.
type Account struct{ UID, GID int }

// FindAccount looks for the account of Debian's and Ubuntu's package aide-common. The
// package runs AIDE as it, and gives it /var/lib/aide with the databases.
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
// distribution's account for AIDE can change, as Trusted does. If the baseline is not there
// and the folders on the way to it are trusted, the error is fs.ErrNotExist.
func TrustedBaseline(path string) error { return trusted(path, account()) }
