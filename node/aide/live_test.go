package aide_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aidefleet/node/aide"
	"aidefleet/node/aide/aidetest"
)

// live is a tree of files with a configuration for a real AIDE.
type live struct {
	t   *testing.T
	dir string
	aide.Program
	job aide.Job
}

// rule takes what a test changes of a file, and nothing that changes by itself.
const rule = " p+u+g+s+sha256\n"

func newLive(t *testing.T, a aidetest.AIDE) *live {
	t.Helper()
	p, err := aide.Find(context.Background(), a.Path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	l := &live{t, dir, p, aide.Job{Config: dir + "/aide.conf", Folder: dir + "/own/run", Own: dir + "/own", Baseline: dir + "/db/aide.db"}}
	for _, folder := range []string{l.job.Folder, dir + "/db"} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l.write("tree/a", "a\n")
	l.write("tree/b", "b\n")
	l.conf("report_url=stdout\n" + dir + "/tree" + rule)
	return l
}

func (l *live) write(name, text string) {
	l.t.Helper()
	path := filepath.Join(l.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		l.t.Fatal(err)
	}
}

// conf writes the configuration behind a line for the database, so that text begins
// at its second line.
func (l *live) conf(text string) {
	l.t.Helper()
	name := "database_in"
	if l.Version.Minor == 16 {
		name = "database"
	}
	l.write("aide.conf", name+"=file:"+l.dir+"/db/aide.db\n"+text)
}

// init takes the baseline.
func (l *live) init() {
	l.t.Helper()
	o, err := l.Init(context.Background(), l.job)
	if err != nil {
		l.t.Fatal(err)
	}
	if o.Exit != 0 {
		l.t.Fatalf("init ended with status %d: %s", o.Exit, o.Complaint())
	}
	l.accept()
}

// accept makes the new database the baseline, in a way that changes its folder.
func (l *live) accept() {
	l.t.Helper()
	text, err := os.ReadFile(l.job.NewDatabase())
	if err != nil {
		l.t.Fatal(err)
	}
	tmp := l.job.Baseline + aide.OwnMark + "tmp"
	if err := os.WriteFile(tmp, text, 0o600); err != nil {
		l.t.Fatal(err)
	}
	_ = os.Link(l.job.Baseline, l.job.Baseline+aide.OwnMark+"old")
	if err := os.Rename(tmp, l.job.Baseline); err != nil {
		l.t.Fatal(err)
	}
}

// found is what a check finds: status and counts, and the names below the folder.
func (l *live) found() (counts string, names []string) {
	l.t.Helper()
	o, r, err := l.Update(context.Background(), l.job)
	if err != nil {
		l.t.Fatal(err)
	}
	told, all, err := r.Counts()
	if err != nil {
		l.t.Fatalf("%v; status %d: %s", err, o.Exit, o.Complaint())
	}
	if o.Exit != all.Status() {
		l.t.Errorf("status %d, the report of all says %+v", o.Exit, all)
	}
	if err := r.Changes(func(c aide.Change) error {
		names = append(names, string(c.Kind)+strings.TrimPrefix(string(c.Name), l.dir))
		return nil
	}); err != nil {
		l.t.Error(err)
	}
	if n := told.Added + told.Removed + told.Changed; n != len(names) {
		l.t.Errorf("%d changes are counted, %q are named", n, names)
	}
	slices.Sort(names)
	return fmt.Sprintf("%d +%d -%d ~%d of %d", o.Exit, told.Added, told.Removed, told.Changed, told.Total), names
}

// want fails unless a check finds that.
func (l *live) want(counts string, names ...string) {
	l.t.Helper()
	got, named := l.found()
	if got != counts {
		l.t.Errorf("found %s, want %s", got, counts)
	}
	if !slices.Equal(named, names) {
		l.t.Errorf("named %q, want %q", named, names)
	}
}

// said is what AIDE complains of.
func (l *live) said() string {
	l.t.Helper()
	o, _, err := l.Update(context.Background(), l.job)
	if err != nil {
		l.t.Fatal(err)
	}
	return o.Complaint()
}

// TestUnended: a last line without a newline is taken as AIDE itself takes it, in the
// configuration as in what it includes last. 0.17 refuses one, and says where it is.
func TestUnended(t *testing.T) {
	lines := map[string]string{
		"a rule": "DIR/tree p+u+g+s+sha256", "an exclusion": "!DIR/tree/none", "an equal rule": "=DIR/other p",
		"an option": "report_url=stdout", "a group": "Mine = p+u", "a macro": "@@define X y", "the end of a condition": "@@ifndef X\n/none p\n@@endif",
		"a comment": "# the end", "spaces": "  ", "an include": "@@include DIR/empty",
	}
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		for name, last := range lines {
			for _, where := range []string{"aide.conf", "last.conf"} {
				t.Run(name+" in "+where, func(t *testing.T) {
					l := newLive(t, a)
					l.init()
					l.write("empty", "")
					l.write("tree/a", "other\n")
					last := strings.ReplaceAll(last, "DIR", l.dir)
					text := l.dir + "/tree" + rule
					if where == "aide.conf" {
						l.conf(text + last)
					} else {
						l.conf(text + "@@include " + l.dir + "/last.conf\n")
						l.write("last.conf", last)
					}
					if refused := l.Version.Minor == 17 && name != "a comment" && name != "spaces"; refused {
						if said := l.said(); !strings.Contains(said, l.dir+"/"+where+":") {
							t.Errorf("AIDE says %q, want the place in %s", said, where)
						}
						return
					}
					l.want("4 +0 -0 ~1 of 3", "~/tree/a")
				})
			}
		}
	})
}

// TestUnendedDropIn is with the last file of a folder, as Debian has it.
func TestUnendedDropIn(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		if !a.Since(18) {
			t.Skip("AIDE " + a.Version + " includes no folders, or refuses such a file itself")
		}
		l := newLive(t, a)
		l.init()
		l.write("tree/a", "other\n")
		l.conf("@@include " + l.dir + "/conf.d ^[a-z0-9_]+$\n")
		l.write("conf.d/10_rules", l.dir+"/tree"+rule)
		l.write("conf.d/90_last", "!"+l.dir+"/tree/none")
		l.want("4 +0 -0 ~1 of 3", "~/tree/a")
	})
}

// TestConfiguredReports: whatever the configuration wants of its own reports, the
// counts and the names are there.
func TestConfiguredReports(t *testing.T) {
	old := []string{
		"summarize_changes=no", "grouped=no", "grouped=no\nsummarize_changes=no", "verbose=0", "verbose=1", "verbose=2", "verbose=6", "verbose=20", "verbose=255",
		"report_quiet=yes", "report_detailed_init=yes", "report_base16=yes", "database_add_metadata=no",
	}
	now := []string{
		"report_summarize_changes=no", "report_grouped=no", "report_level=minimal", "report_level=summary", "report_level=added_removed_entries",
		"report_quiet=yes", "report_append=yes", "report_base16=yes", "log_level=error", "log_level=debug", "log_level=trace", "database_add_metadata=no",
	}
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		options := now
		if !a.Since(17) {
			options = old
		}
		if a.Since(18) {
			options = append(options[:len(options):len(options)], "report_format=json")
		}
		for _, option := range options {
			t.Run(option, func(t *testing.T) {
				l := newLive(t, a)
				l.conf(option + "\nreport_url=stdout\n" + l.dir + "/tree" + rule)
				l.init()
				l.want("0 +0 -0 ~0 of 3")
				l.write("tree/a", "other\n")
				l.write("tree/c", "c\n")
				if err := os.Remove(l.dir + "/tree/b"); err != nil {
					t.Fatal(err)
				}
				l.want("7 +1 -1 ~1 of 3", "+/tree/c", "-/tree/b", "~/tree/a")
			})
		}
	})
}

// TestIgnoredAttributes: what a configuration ignores is not told, and nothing else
// is left out, wherever the option stands.
func TestIgnoredAttributes(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		equals := "="
		if !a.Since(17) {
			equals = " = " // it is a group there
		}
		for _, text := range []string{"report_url=stdout\nOPTION", "OPTIONreport_url=stdout\n", "OPTION"} {
			t.Run(text, func(t *testing.T) {
				l := newLive(t, a)
				l.conf(strings.ReplaceAll(text, "OPTION", "report_ignore_changed_attrs"+equals+"p\n") + l.dir + "/tree" + rule)
				l.init()
				if err := os.Chmod(l.dir+"/tree/b", 0o600); err != nil {
					t.Fatal(err)
				}
				status := "4"
				if !a.Since(17) {
					status = "0"
				}
				l.want(status + " +0 -0 ~0 of 3")
				l.write("tree/a", "other\n")
				l.want("4 +0 -0 ~1 of 3", "~/tree/a")
				if err := os.Chmod(l.dir+"/tree/a", 0o600); err != nil { // a flag says that it is ignored
					t.Fatal(err)
				}
				l.want("4 +0 -0 ~1 of 3", "~/tree/a")
			})
		}
	})
}

// TestOwnFiles: what the caller writes is not looked at, and all beside it is.
func TestOwnFiles(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		for name, folders := range map[string][2]string{
			"plain": {"own", "db/aide.db"}, "odd": {`own [a] %41\"#@{X}+ä`, "db (1) [%]ä/aide.db"}, "an odd name": {"own", `db/an aide%20\#@.db`},
		} {
			t.Run(name, func(t *testing.T) {
				l := newLive(t, a)
				l.job.Own, l.job.Baseline = filepath.Join(l.dir, "all", folders[0]), filepath.Join(l.dir, "all", folders[1])
				l.job.Folder = l.job.Own + "/run"
				for _, dir := range []string{l.job.Folder, filepath.Dir(l.job.Baseline)} {
					if err := os.MkdirAll(dir, 0o755); err != nil {
						t.Fatal(err)
					}
				}
				l.write("all/other", "")
				l.conf(l.dir + "/all p+i+n+u+g+s+m+c+sha256\n")
				db := strings.TrimPrefix(filepath.Dir(l.job.Baseline), l.dir)
				l.init()
				l.job.FolderWatched = true
				l.want("0 +0 -0 ~0 of 3")
				l.accept()
				l.want("0 +0 -0 ~0 of 3")
				if a.Since(17) && strings.Contains(db, "ä") {
					return // reports spell the name in ways of their own
				}
				l.write(db+"/aide.db.new", "not the caller's")
				l.write(db+"/aide.db2", "")
				if err := os.Chmod(l.dir+db, 0o700); err != nil {
					t.Fatal(err)
				}
				l.want("5 +2 -0 ~1 of 5", "+"+db+"/aide.db.new", "+"+db+"/aide.db2", "~"+db)
			})
		}
	})
}

// TestLinkedFolders: AIDE comes upon folders by the names they have without links.
func TestLinkedFolders(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		l := newLive(t, a)
		for to, from := range map[string]string{"own": "linked-own", "db": "linked-db", "aide.conf": "linked.conf"} {
			if err := os.Symlink(l.dir+"/"+to, l.dir+"/"+from); err != nil {
				t.Fatal(err)
			}
		}
		l.conf(l.dir + "/(own|db)" + rule)
		l.job = aide.Job{Config: l.dir + "/linked.conf", Folder: l.dir + "/linked-own/run", Own: l.dir + "/linked-own", Baseline: l.dir + "/linked-db/aide.db"}
		l.init()
		l.accept()
		l.job.FolderWatched = true
		l.want("0 +0 -0 ~0 of 1")
	})
}

// TestAgentFolders: what the agent writes to run a command is not looked at, and all
// else of it is.
func TestAgentFolders(t *testing.T) {
	const lib, log, id = "var/lib/amazon/ssm", "var/log/amazon/ssm", "/i-0123456789abcdef0"
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		l := newLive(t, a)
		sweep := func(command string) {
			for _, name := range []string{
				lib + id + "/document/orchestration/" + command + "/awsrunShellScript/0.awsrunShellScript/_script.sh", lib + id + "/document/state/completed/" + command,
				lib + id + "/channels/" + command + "/master-1", lib + id + "/idempotency/Command/" + command,
				log + "/amazon-ssm-agent.log", log + "/amazon-ssm-agent.log.1", log + "/errors.log", log + "/audits/amazon-ssm-agent-audit-2026-11-" + command[:2],
			} {
				l.write("root/"+name, command)
			}
		}
		l.conf("root_prefix=" + l.dir + "/root\n/ n+" + rule[1:])
		sweep("23aa")
		l.init()
		sweep("24bb")
		counts, names := l.found()
		if len(names) > 0 {
			t.Errorf("a sweep changes %q (%s)", names, counts)
		}
		for _, name := range []string{lib + id + "/document/evil", lib + "/evil", lib + "/packages/evil", log + "/evil", log + "/errors.log.sh", "var/lib/amazon/evil", lib + id + "/channelsevil"} {
			l.write("root/"+name, "evil")
		}
		if _, names = l.found(); len(slices.DeleteFunc(names, func(name string) bool { return !strings.Contains(name, "evil") && !strings.Contains(name, "log.sh") })) != 7 {
			t.Errorf("of seven files %q are seen", names)
		}
	})
}

// TestErrorPlace: what AIDE says of a configuration names the user's file and line.
func TestErrorPlace(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		for _, c := range []struct{ name, text, want string }{
			{"a word", "this is no option\n", "aide.conf:2: "},
			{"an option", "\n# a comment\nno_option=yes\n/none p\n", "aide.conf:4: "},
			{"a group", "/none p+nosuch\n/more p\n", "aide.conf:2: "},
			{"a group alone", "/none nosuch\n/more p\n", "aide.conf:2: "},
			{"no group", "\n/none\n/more p\n", "aide.conf:3: "},
			{"in an include", "@@include DIR/more.conf\n", "more.conf:3: "},
			{"behind an include", "@@include DIR/well.conf\n/none p+nosuch\n", "aide.conf:3: "},
			{"behind an include without an end", "@@include DIR/unended.conf\n/none p+nosuch\n", "aide.conf:3: "},
			{"in a condition", "@@ifndef X\n/none p+nosuch\n@@endif\n", "aide.conf:3: "},
			{"CR LF", "/none p\r\n/more p\r\n", "aide.conf:2: "},
		} {
			t.Run(c.name, func(t *testing.T) {
				l := newLive(t, a)
				l.init()
				switch c.name {
				case "CR LF":
					if a.Since(18) {
						t.Skip("AIDE " + a.Version + " takes CR LF")
					}
				case "behind an include without an end":
					if a.Version[:4] == "0.17" {
						t.Skip("AIDE " + a.Version + " refuses the include")
					}
				}
				l.write("more.conf", "/none p\n\n/more p+nosuch\n")
				l.write("well.conf", "# all\n/well p\n")
				l.write("unended.conf", "# all\n/well p")
				l.conf(strings.ReplaceAll(c.text, "DIR", l.dir) + l.dir + "/tree" + rule)
				said := l.said()
				if !strings.Contains(said, l.dir+"/"+c.want) {
					t.Errorf("AIDE says %q, want %s", said, c.want)
				}
				if c.name == "CR LF" && !strings.Contains(said, `/none p\r`) && !strings.Contains(said, `/none p\015`) {
					t.Errorf("AIDE says %q, want the line with its end", said)
				}
			})
		}
	})
}

// TestComplaintOfLogs: however much AIDE logs, its error is what is told.
func TestComplaintOfLogs(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		if !a.Since(17) {
			t.Skip("AIDE " + a.Version + " has no log levels")
		}
		for _, level := range []string{"info", "debug", "trace"} {
			l := newLive(t, a)
			l.init()
			l.conf("log_level=" + level + "\n" + strings.Repeat("# a line to log\n", 3000) + "/none p+nosuch\n")
			said := l.said()
			assert.Contains(t, said, "ERROR", level)
			assert.Contains(t, said, "nosuch", level)
			_, err := l.CheckConfig(context.Background(), l.job)
			assert.ErrorContains(t, err, "nosuch", level)
		}
	})
}
