// SPDX-License-Identifier: GPL-2.0
#include "stream.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/irq_work.h>
#include <linux/kprobes.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/proc_fs.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>

#include "ring.h"
#include "want.h"
#include "words.h"

#define RING_KB_MIN 4U
#define RING_KB_MAX 16384U

static unsigned int ring_kb = 256;
module_param(ring_kb, uint, 0400);
MODULE_PARM_DESC(ring_kb, "KiB of events each reader of /proc/gomem/events may lag, per CPU");

/**
 * struct reader - an open file
 * @link: in readers, once started
 * @want: may change until it is started
 * @ns: whose numbers it is told
 * @rings: per CPU, NULL until it is started
 * @mutex: guards @want, starting, and the consumer's side of @rings
 * @wait: who reads or polls
 * @wake: wakes them; handlers may not, they run under other people's locks
 */
struct reader {
	struct list_head link;
	struct gomem_want want;
	struct pid_namespace *ns;
	struct gomem_ring __percpu *rings;
	struct mutex mutex; /* guards want, rings' consumer's side */
	wait_queue_head_t wait;
	struct irq_work wake;
};

u64 gomem_stream_kinds;

static DEFINE_MUTEX(readers_mutex); /* guards changes of readers and gomem_stream_kinds */
static LIST_HEAD(readers); /* read under RCU */
static atomic_t open_files;
static atomic64_t ring_bytes;
static DEFINE_PER_CPU(struct gomem_stream_cpu, told);
static DEFINE_PER_CPU(bool, is_telling);

static u32 slots_of_a_ring(void)
{
	u32 kb = clamp(ring_kb, RING_KB_MIN, RING_KB_MAX);

	return rounddown_pow_of_two(kb * 1024 / sizeof(struct gomem_event));
}

static void tell(struct reader *reader, struct pid *pid, struct gomem_event *event)
{
	enum gomem_ring_put put;

	event->pid = pid_nr_ns(pid, reader->ns);
	event->tid = pid_nr_ns(task_pid(current), reader->ns);
	put = gomem_ring_put(this_cpu_ptr(reader->rings), event);
	if (put == GOMEM_RING_LOST)
		__this_cpu_inc(told.lost);
	else
		__this_cpu_inc(told.put);
	/* gomem_ring_put() has the barrier that this needs. */
	if (put == GOMEM_RING_FIRST && waitqueue_active(&reader->wait))
		irq_work_queue(&reader->wake);
}

NOKPROBE_SYMBOL(tell);

static void drop(struct reader *reader)
{
	gomem_ring_drop(this_cpu_ptr(reader->rings));
	__this_cpu_inc(told.lost);
}

NOKPROBE_SYMBOL(drop);

/* An interrupt that comes between the two lines has left again before the second. */
static bool begin_telling(void)
{
	if (__this_cpu_read(is_telling))
		return false;
	__this_cpu_write(is_telling, true);
	barrier(); /* what an interrupt of this CPU sees */
	return true;
}

NOKPROBE_SYMBOL(begin_telling);

void gomem_stream_put(struct pid *pid, enum gomem_kind kind, unsigned long start, unsigned long end,
		      u64 bytes, unsigned int order)
{
	struct gomem_event event = {
		.time_ns = ktime_get_mono_fast_ns(),
		.start = start,
		.end = end,
		.bytes = bytes,
		.cpu = smp_processor_id(),
		.kind = kind,
		.order = order,
	};
	bool first = begin_telling();
	struct reader *reader;

	list_for_each_entry_rcu(reader, &readers, link) {
		if (!gomem_want_is(&reader->want, kind, pid) || !pid_nr_ns(pid, reader->ns))
			continue;
		if (first)
			tell(reader, pid, &event);
		else
			drop(reader);
	}
	barrier(); /* as in begin_telling() */
	if (first)
		__this_cpu_write(is_telling, false);
}

NOKPROBE_SYMBOL(gomem_stream_put);

static void wake_reader(struct irq_work *work)
{
	wake_up_poll(&container_of(work, struct reader, wake)->wait, EPOLLIN | EPOLLRDNORM);
}

static void update_kinds(void)
{
	const struct reader *reader;
	u64 kinds = 0;

	lockdep_assert_held(&readers_mutex);
	list_for_each_entry(reader, &readers, link)
		kinds |= reader->want.kinds;
	WRITE_ONCE(gomem_stream_kinds, kinds);
}

static s64 bytes_of_rings(const struct gomem_ring *ring)
{
	return (s64)num_possible_cpus() * (ring->mask + 1) * sizeof(*ring->slots);
}

static void free_rings(struct gomem_ring __percpu *rings)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		gomem_ring_deinit(per_cpu_ptr(rings, cpu));
	free_percpu(rings);
}

static struct gomem_ring __percpu *make_rings(void)
{
	struct gomem_ring __percpu *rings = alloc_percpu(struct gomem_ring);
	u32 slots = slots_of_a_ring();
	unsigned int cpu;

	if (!rings)
		return NULL;
	for_each_possible_cpu(cpu) {
		if (gomem_ring_init(per_cpu_ptr(rings, cpu), cpu, slots)) {
			free_rings(rings);
			return NULL;
		}
	}
	return rings;
}

/* From now on it is told. */
static int start(struct reader *reader)
{
	struct gomem_ring __percpu *rings;

	lockdep_assert_held(&reader->mutex);
	if (reader->rings)
		return 0;
	rings = make_rings();
	if (!rings)
		return -ENOMEM;
	atomic64_add(bytes_of_rings(raw_cpu_ptr(rings)), &ring_bytes);
	/* Pairs with the acquire of has_records(), which does not take the mutex. */
	smp_store_release(&reader->rings, rings);
	mutex_lock(&readers_mutex);
	list_add_rcu(&reader->link, &readers);
	update_kinds();
	mutex_unlock(&readers_mutex);
	return 0;
}

/* Ends start(). Handlers may be at it until the grace period is over, and so the wake-up. */
static void stop(struct reader *reader)
{
	if (!reader->rings)
		return;
	mutex_lock(&readers_mutex);
	list_del_rcu(&reader->link);
	update_kinds();
	mutex_unlock(&readers_mutex);
	synchronize_rcu();
	irq_work_sync(&reader->wake);
	atomic64_sub(bytes_of_rings(raw_cpu_ptr(reader->rings)), &ring_bytes);
	free_rings(reader->rings);
}

static bool has_records(struct reader *reader)
{
	/* Pairs with the release in start(). */
	struct gomem_ring __percpu *rings = smp_load_acquire(&reader->rings);
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		if (gomem_ring_has(per_cpu_ptr(rings, cpu)))
			return true;
	}
	return false;
}

/* The ring whose next record is the oldest, and how old the oldest of the others is. */
static struct gomem_ring *oldest(struct reader *reader, u64 *next_ns)
{
	u64 oldest_ns = U64_MAX;
	struct gomem_ring *oldest = NULL;
	unsigned int cpu;

	*next_ns = U64_MAX;
	for_each_possible_cpu(cpu) {
		struct gomem_ring *ring = per_cpu_ptr(reader->rings, cpu);
		u64 time_ns = gomem_ring_time(ring);

		if (time_ns < oldest_ns) {
			*next_ns = oldest_ns;
			oldest_ns = time_ns;
			oldest = ring;
		} else if (time_ns < *next_ns) {
			*next_ns = time_ns;
		}
	}
	return oldest;
}

/* What is there now, by time. Return: records, 0 for none, -EFAULT. */
static ssize_t drain(struct reader *reader, struct gomem_event __user *to, size_t max)
{
	struct gomem_ring *ring;
	size_t done = 0;
	unsigned int cpu;
	u64 next_ns;
	long n;

	lockdep_assert_held(&reader->mutex);
	for_each_possible_cpu(cpu)
		gomem_ring_look(per_cpu_ptr(reader->rings, cpu));
	while (done < max && (ring = oldest(reader, &next_ns))) {
		n = gomem_ring_take(ring, next_ns, to + done, max - done);
		if (n < 0)
			return done ?: n;
		done += n;
		cond_resched();
	}
	return done;
}

static ssize_t start_and_drain(struct reader *reader, struct gomem_event __user *to, size_t max)
{
	ssize_t ret;

	if (mutex_lock_interruptible(&reader->mutex))
		return -ERESTARTSYS;
	ret = start(reader);
	if (!ret)
		ret = drain(reader, to, max);
	mutex_unlock(&reader->mutex);
	return ret;
}

static ssize_t events_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	struct reader *reader = file->private_data;
	ssize_t n;

	if (count < sizeof(struct gomem_event))
		return -EINVAL;
	for (;;) {
		n = start_and_drain(reader, (void __user *)to, count / sizeof(struct gomem_event));
		if (n)
			return n < 0 ? n : n * sizeof(struct gomem_event);
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(reader->wait, has_records(reader)))
			return -ERESTARTSYS;
	}
}

static __poll_t events_poll(struct file *file, struct poll_table_struct *table)
{
	struct reader *reader = file->private_data;
	int err;

	if (mutex_lock_killable(&reader->mutex))
		return EPOLLERR;
	err = start(reader);
	mutex_unlock(&reader->mutex);
	if (err)
		return EPOLLERR;
	poll_wait(file, &reader->wait, table);
	smp_mb(); /* on the queue first, then the look; pairs with gomem_ring_put()'s */
	return has_records(reader) ? EPOLLIN | EPOLLRDNORM : 0;
}

static ssize_t events_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct reader *reader = file->private_data;
	char text[GOMEM_WORDS_MAX];
	int err = gomem_words_copy(text, from, count);

	if (err)
		return err;
	if (mutex_lock_interruptible(&reader->mutex))
		return -ERESTARTSYS;
	err = reader->rings ? -EBUSY : gomem_want_parse(&reader->want, text);
	mutex_unlock(&reader->mutex);
	return err ?: count;
}

static struct reader *reader_create(void)
{
	struct reader *reader = kzalloc(sizeof(*reader), GFP_KERNEL);

	if (!reader)
		return NULL;
	gomem_want_init(&reader->want);
	reader->ns = get_pid_ns(task_active_pid_ns(current));
	mutex_init(&reader->mutex);
	init_waitqueue_head(&reader->wait);
	init_irq_work(&reader->wake, wake_reader);
	return reader;
}

static void reader_destroy(struct reader *reader)
{
	stop(reader);
	gomem_want_deinit(&reader->want);
	put_pid_ns(reader->ns);
	kfree(reader);
}

static int open_reader(struct file *file)
{
	if (!atomic_add_unless(&open_files, 1, GOMEM_EVENT_READERS_MAX))
		return -EBUSY;
	file->private_data = reader_create();
	if (file->private_data)
		return 0;
	atomic_dec(&open_files);
	return -ENOMEM;
}

/*
 * Who sleeps in poll() has our wait queue and waits outside of our functions, where
 * proc_remove() does not see them: so each open file holds the module. A module whose
 * init may still fail cannot be held.
 */
static int events_open(struct inode *inode, struct file *file)
{
	int err;

	if (!capable(CAP_SYS_PTRACE))
		return -EPERM;
	if (READ_ONCE(THIS_MODULE->state) != MODULE_STATE_LIVE || !try_module_get(THIS_MODULE))
		return -ENODEV;
	err = open_reader(file);
	if (!err)
		return stream_open(inode, file);
	module_put(THIS_MODULE);
	return err;
}

/* After module_put() there are instructions of ours to go: proc_remove() waits for them. */
static int events_release(struct inode *inode, struct file *file)
{
	reader_destroy(file->private_data);
	atomic_dec(&open_files);
	module_put(THIS_MODULE);
	return 0;
}

const struct proc_ops gomem_stream_ops = {
	.proc_open = events_open,
	.proc_read = events_read,
	.proc_write = events_write,
	.proc_poll = events_poll,
	.proc_release = events_release,
};

struct gomem_stream_stats gomem_stream_stats(void)
{
	return (struct gomem_stream_stats){ atomic_read(&open_files), atomic64_read(&ring_bytes) };
}

struct gomem_stream_cpu gomem_stream_cpu(unsigned int cpu)
{
	return per_cpu(told, cpu);
}
