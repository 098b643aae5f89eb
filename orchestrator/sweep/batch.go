package sweep

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"aidefleet/node/result"
	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

const (
	// byName is how many hosts Run Command takes by name in one command (Systems
	// Manager API reference, SendCommand and Target).
	byName = 50
	// atOnce is how many regions are looked through, and commands watched, side by
	// side. All commands run meanwhile, so that the rest is soon read.
	atOnce = 8
)

// part is what a sweep does in one account and region.
type part struct {
	*sweep
	rest    []fleet.Host // meant, and sent nothing
	batches []*batch
	errs    []error        // what could not be done here
	result  *report.Report // once the commands have ended
}

// batch is one command and the hosts that are meant by it. Its selector is that
// of the command.
type batch struct {
	*sweep
	command runcommand.Command
	hosts   []fleet.Host
	answers map[string]runcommand.Invocation
	refused error // why it was not sent
	lost    error // why it is not known what became of it
	cancel  error // why it was not cancelled after an interrupt
}

// split says with how many commands the hosts of a part are reached: tags are
// one command for any number of hosts, names one for each fifty. Hosts are named
// only if SSM knows them and they are not of another platform: one such host
// fails the whole call.
func (s *sweep) split(hosts []fleet.Host) *part {
	p := &part{sweep: s}
	if reachable(hosts) == 0 {
		p.rest = hosts // a command would only wait for nobody; the silence is the finding
		return p
	}
	if len(s.Selector.Tags) > 0 {
		p.batches = []*batch{{sweep: s, hosts: hosts}}
		return p
	}
	var named []fleet.Host
	for _, h := range hosts {
		if h.Ping != "" && h.Unreachable() != fleet.InvalidPlatform {
			named = append(named, h)
		} else {
			p.rest = append(p.rest, h)
		}
	}
	for chunk := range slices.Chunk(named, byName) {
		own := *s
		own.Selector = fleet.Selector{}
		for _, h := range chunk {
			own.Selector.Instances = append(own.Selector.Instances, h.ID)
		}
		p.batches = append(p.batches, &batch{sweep: &own, hosts: chunk})
	}
	return p
}

func reachable(hosts []fleet.Host) (n int) {
	for _, h := range hosts {
		if h.Unreachable() == "" {
			n++
		}
	}
	return n
}

// send sends the commands of a part one after the other, and stops at the first
// that is refused: so would be the others.
func (p *part) send(ctx context.Context) {
	for i, b := range p.batches {
		if err := ctx.Err(); err != nil {
			b.refused = err
			continue
		}
		r := b.request(targets(b.Selector))
		if len(p.batches) > 1 {
			// A command that may have been sent is looked up by its comment.
			r.Comment = b.name(i+1, len(p.batches))
		}
		// An interrupt in the middle of the send would leave a command behind whose
		// id nobody knows.
		b.command, b.refused = runcommand.Send(context.WithoutCancel(ctx), p.Commands, r, p.Pace)
		if b.refused != nil {
			p.errs = append(p.errs, b.refused)
			for _, later := range p.batches[i+1:] {
				later.refused = b.refused
			}
			return
		}
		if p.Sent != nil {
			p.Sent(b.command, len(b.hosts), reachable(b.hosts))
		}
	}
}

// sent are the batches that were.
func (p *part) sent() (list []*batch) {
	for _, b := range p.batches {
		if b.refused == nil {
			list = append(list, b)
		}
	}
	return list
}

// follow watches the command until every host that can answer has answered, or
// until wctx ends; then it reads what there is.
func (b *batch) follow(ctx, wctx context.Context) {
	last, hosts, answers, err := b.watch(wctx, b.command, b.hosts)
	if ctx.Err() == nil && wctx.Err() != nil {
		var now map[string]runcommand.Invocation
		now, err = runcommand.Invocations(ctx, b.Commands, b.command.ID)
		answers = newer(answers, now)
	}
	b.command, b.hosts, b.answers = last, hosts, answers
	b.mend(ctx)
	if err == nil && last.Done() && !last.AllListed(answers) {
		err = fmt.Errorf("command %s has ended on %d hosts, of which the service lists %d", last.ID, last.Targeted, len(answers))
	}
	if ctx.Err() == nil {
		b.lost = err
	}
}

// allListed says that the answers of all hosts that were sent the command are known,
// if only as not given yet.
func (b *batch) allListed() bool { return b.lost == nil && b.command.AllListed(b.answers) }

// mend reads the whole output of hosts whose result line did not fit into what a
// page holds of it: a call each, for a line of the node always fits.
func (b *batch) mend(ctx context.Context) {
	var cut []string
	for id, i := range b.answers {
		if i.Status == runcommand.Answered && isCut(i.Output) {
			cut = append(cut, id)
		}
	}
	var mu sync.Mutex
	each(cut, func(id string) {
		whole, err := runcommand.Whole(ctx, b.Commands, b.command.ID, id)
		if err != nil {
			return // what there is of the line is bad output
		}
		mu.Lock()
		defer mu.Unlock()
		i := b.answers[id]
		line, _, _ := strings.Cut(whole.Stdout, "\n")
		i.Output = strings.Clone(line[:min(len(line), result.MaxBytes+1)]) // longer is no result line
		b.answers[id] = i
	})
}

// interrupt cancels the commands of the parts that have not concluded, and reads
// what came in.
func interrupt(ctx context.Context, parts []*part) *InterruptedError {
	e := &InterruptedError{}
	var batches []*batch
	for _, p := range parts {
		if p.result != nil {
			e.Concluded++
		} else {
			batches = append(batches, p.sent()...)
		}
	}
	// All of them first: every moment more is work on hosts.
	each(batches, func(b *batch) {
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), afterCancel)
		defer stop()
		b.cancel = runcommand.Cancel(ctx, b.Commands, b.command.ID)
	})
	each(batches, func(b *batch) {
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), afterCancel+time.Duration(len(b.hosts))*afterCancelHost)
		defer stop()
		if b.cancel == nil {
			if now, err := runcommand.Watch(ctx, b.Commands, b.command, b.Pace, 0, afterCancel/3, runcommand.Command.Done); err == nil {
				b.command = now
			}
		}
		b.answers, b.lost = runcommand.Invocations(ctx, b.Commands, b.command.ID)
	})
	for _, p := range parts {
		if p.result == nil {
			r := p.report()
			p.result = &r
		}
	}
	e.Commands = len(batches)
	for _, b := range batches {
		if e.CommandID == "" {
			e.CommandID = b.command.ID
		}
		if e.Cancel == nil {
			e.Cancel = b.cancel
		}
	}
	return e
}

// each calls do with every element, some of them side by side.
func each[E any](list []E, do func(E)) {
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, e := range list {
		g.Go(func() error { do(e); return nil })
	}
	_ = g.Wait()
}

// report judges every host of the part.
func (p *part) report() report.Report {
	list := make([]report.Report, 0, len(p.batches)+1)
	now := runcommand.Command{Requested: p.Requested}
	if now.Requested.IsZero() {
		now.Requested = p.now()
	}
	if len(p.rest) > 0 {
		list = append(list, p.judge(now, p.rest, nil, true))
	}
	for _, b := range p.batches {
		if b.refused == nil {
			list = append(list, b.judge(b.command, b.hosts, b.answers, b.allListed()))
			continue
		}
		answers := make(map[string]runcommand.Invocation, len(b.hosts))
		for _, h := range b.hosts {
			if h.Unreachable() == "" {
				answers[h.ID] = runcommand.Invocation{Status: runcommand.Refusal(b.refused)}
			}
		}
		list = append(list, b.judge(now, b.hosts, answers, true))
	}
	r := merge(p.FleetName, list)
	p.settleAccount(&r)
	return r
}

// settleAccount names the account where only other hosts of it did: a hybrid node
// does not say whose it is.
func (p *part) settleAccount(r *report.Report) {
	account := p.Account
	for _, c := range r.Commands {
		account = cmp.Or(account, c.Account)
	}
	for i := range r.Commands {
		r.Commands[i].Account = cmp.Or(r.Commands[i].Account, account)
	}
	for i := range r.Hosts {
		r.Hosts[i].Account = cmp.Or(r.Hosts[i].Account, account)
	}
}
