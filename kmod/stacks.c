// SPDX-License-Identifier: GPL-2.0
#include "stacks.h"

#include <linux/atomic.h>
#include <linux/kprobes.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "pool.h"
#include "unwind.h"

/* 4.6 and 2.6 MiB, with their buckets. */
#define STACK_BITS 14
#define USER_BITS 15
#define USERS_RESERVE (1U << (USER_BITS - 3)) /* for users without thread and goroutine */
#define STACKS_LOW (1U << (STACK_BITS - 3))

/**
 * struct stack - a user stack of an image
 * @slot: its place
 * @count: of @frames
 * @frames: see struct gomem_trace
 */
struct stack {
	struct gomem_pool_slot slot;
	unsigned int count;
	unsigned long frames[GOMEM_UNWIND_FRAMES];
};

/** struct user_key - see struct gomem_stacks_user */
struct user_key {
	const struct stack *stack;
	u64 goid;
	u64 labels;
	pid_t tid;
	u32 kind;
};

struct stack_user {
	struct gomem_pool_slot slot;
	struct user_key key;
	atomic64_t count;
	atomic64_t bytes;
};

/** enum how - which events of a kind are taken */
enum how { NEVER, SAMPLED, ALWAYS };

static const u8 how_of[GOMEM_KINDS_MAX] = {
	[GOMEM_KIND_anon_fault] = SAMPLED, [GOMEM_KIND_zero_fault] = SAMPLED,
	[GOMEM_KIND_mthp_fault] = ALWAYS,  [GOMEM_KIND_huge_fault] = ALWAYS,
	[GOMEM_KIND_mmap] = ALWAYS,	   [GOMEM_KIND_dontneed] = ALWAYS,
	[GOMEM_KIND_lazyfree] = ALWAYS,	   [GOMEM_KIND_hugepage] = ALWAYS,
	[GOMEM_KIND_nohugepage] = ALWAYS,  [GOMEM_KIND_madv_collapse] = ALWAYS,
};

unsigned int gomem_stacks_rate;
static unsigned int wanted_rate;
static bool is_up, has_table;
static DEFINE_MUTEX(rate_mutex); /* guards the four above, for writers */

static struct gomem_pool stacks, users;
static u64 seed;
static atomic64_t merged, dropped, unreadable;
static DEFINE_PER_CPU(unsigned int, tick);

static void sweep(struct work_struct *work);
static DECLARE_DELAYED_WORK(sweep_work, sweep);

static __always_inline u64 mix(u64 hash, u64 word)
{
	return ror64((hash ^ word) * 0x9e3779b97f4a7c15ULL, 29);
}

/* The buckets go by the upper bits, which a multiplication leaves best. */
static __always_inline u64 finish(u64 hash)
{
	return hash * 0xd6e8feb86659fd93ULL;
}

static bool is_stack(const struct gomem_pool_slot *slot, const void *key)
{
	const struct stack *stack = container_of(slot, struct stack, slot);
	const struct gomem_trace *trace = key;
	unsigned int i;

	if (stack->count != trace->count)
		return false;
	for (i = 0; i < trace->count; i++) {
		if (stack->frames[i] != trace->frames[i])
			return false;
	}
	return true;
}

NOKPROBE_SYMBOL(is_stack);

static void fill_stack(struct gomem_pool_slot *slot, const void *key)
{
	struct stack *stack = container_of(slot, struct stack, slot);
	const struct gomem_trace *trace = key;

	stack->count = trace->count;
	memcpy(stack->frames, trace->frames, trace->count * sizeof(trace->frames[0]));
}

NOKPROBE_SYMBOL(fill_stack);

static const struct stack *keep_stack(const struct gomem_trace *trace, u64 image)
{
	struct gomem_pool_slot *slot;
	u64 hash = mix(seed, image);
	unsigned int i;

	for (i = 0; i < trace->count; i++)
		hash = mix(hash, trace->frames[i]);
	hash = finish(hash);
	slot = gomem_pool_find(&stacks, hash, image, is_stack, trace) ?:
		       gomem_pool_insert(&stacks, hash, image, is_stack, fill_stack, trace, 0);
	return slot ? container_of(slot, struct stack, slot) : NULL;
}

NOKPROBE_SYMBOL(keep_stack);

static bool is_user(const struct gomem_pool_slot *slot, const void *key)
{
	const struct user_key *a = &container_of(slot, struct stack_user, slot)->key, *b = key;

	return a->stack == b->stack && a->goid == b->goid && a->labels == b->labels &&
	       a->tid == b->tid && a->kind == b->kind;
}

NOKPROBE_SYMBOL(is_user);

static void fill_user(struct gomem_pool_slot *slot, const void *key)
{
	container_of(slot, struct stack_user, slot)->key = *(const struct user_key *)key;
}

NOKPROBE_SYMBOL(fill_user);

static struct stack_user *keep_user(const struct user_key *key, u64 image, unsigned int reserve)
{
	struct gomem_pool_slot *slot;
	u64 hash = mix(seed, (unsigned long)key->stack);

	hash = mix(mix(hash, key->goid), key->labels);
	hash = finish(mix(hash, (u64)key->kind << 32 | key->tid));
	slot = gomem_pool_find(&users, hash, image, is_user, key) ?:
		       gomem_pool_insert(&users, hash, image, is_user, fill_user, key, reserve);
	return slot ? container_of(slot, struct stack_user, slot) : NULL;
}

NOKPROBE_SYMBOL(keep_user);

/* The thread and the goroutine are what there may be any number of. */
static struct stack_user *merge_user(struct user_key *key, u64 image)
{
	struct stack_user *user;

	key->tid = 0;
	key->goid = 0;
	key->labels = 0;
	user = keep_user(key, image, 0);
	if (user)
		atomic64_inc(&merged);
	return user;
}

NOKPROBE_SYMBOL(merge_user);

static struct stack_user *user_of(const struct gomem_trace *trace, enum gomem_kind kind, u64 image)
{
	struct user_key key = {
		.stack = keep_stack(trace, image),
		.goid = trace->goid,
		.labels = trace->labels,
		.tid = task_pid_nr(current),
		.kind = kind,
	};

	if (!key.stack)
		return NULL;
	return keep_user(&key, image, USERS_RESERVE) ?: merge_user(&key, image);
}

NOKPROBE_SYMBOL(user_of);

/* Return: for how many events this one stands. */
static unsigned int weigh(enum gomem_kind kind)
{
	unsigned int rate = READ_ONCE(gomem_stacks_rate);

	if (how_of[kind] != SAMPLED)
		return how_of[kind] == ALWAYS;
	if (this_cpu_inc_return(tick) < rate)
		return 0;
	this_cpu_write(tick, 0);
	return rate;
}

NOKPROBE_SYMBOL(weigh);

void gomem_stacks_record(struct gomem_target *target, enum gomem_kind kind, u64 bytes)
{
	u64 image = READ_ONCE(target->image);
	struct gomem_trace trace;
	unsigned int weight;
	struct stack_user *user;

	if (current->mm != READ_ONCE(target->mm))
		return;
	weight = weigh(kind);
	if (!weight || !gomem_unwind(gomem_target_go(target, image), &trace))
		return;
	if (trace.is_unreadable)
		atomic64_inc(&unreadable);
	user = user_of(&trace, kind, image);
	if (user) {
		atomic64_add(weight, &user->count);
		atomic64_add(weight * bytes, &user->bytes);
	} else {
		atomic64_inc(&dropped);
	}
	if (READ_ONCE(users.spare) < 2 * USERS_RESERVE || READ_ONCE(stacks.spare) < STACKS_LOW)
		queue_delayed_work(system_dfl_wq, &sweep_work, HZ);
}

NOKPROBE_SYMBOL(gomem_stacks_record);

static void mark_live(struct gomem_pool_images *images)
{
	struct gomem_target *target, *next;

	for (target = gomem_target_next(0); target; target = next) {
		__set_bit(READ_ONCE(target->image) % GOMEM_POOL_IMAGES, images->live);
		next = gomem_target_next(target->id);
		gomem_target_put(target);
	}
}

/* After the first grace period no handler adds to what is dead, after the second none reads it. */
static void sweep_pools(const struct gomem_pool_images *images)
{
	struct gomem_pool_slot *dead_users, *dead_stacks;

	synchronize_rcu();
	dead_users = gomem_pool_cut(&users, images);
	dead_stacks = gomem_pool_cut(&stacks, images);
	synchronize_rcu();
	gomem_pool_give_back(&users, dead_users);
	gomem_pool_give_back(&stacks, dead_stacks);
}

static void sweep(struct work_struct *work)
{
	struct gomem_pool_images *images = kvzalloc(sizeof(*images), GFP_KERNEL);

	if (!images)
		return;
	images->newest = max(gomem_pool_newest(&users), gomem_pool_newest(&stacks));
	mark_live(images);
	sweep_pools(images);
	kvfree(images);
}

unsigned int gomem_stacks_slots(void)
{
	/* Pairs with the release in make_table(). */
	return smp_load_acquire(&has_table) ? 1U << USER_BITS : 0;
}

bool gomem_stacks_at(unsigned int index, struct gomem_stacks_user *out)
{
	const struct gomem_pool_slot *slot = gomem_pool_at(&users, index);
	const struct stack_user *user = container_of(slot, struct stack_user, slot);

	if (!slot)
		return false;
	*out = (struct gomem_stacks_user){
		.image = READ_ONCE(slot->image),
		.tid = user->key.tid,
		.kind = user->key.kind,
		.goid = user->key.goid,
		.labels = user->key.labels,
		.count = atomic64_read(&user->count),
		.bytes = atomic64_read(&user->bytes),
		.frame_count = user->key.stack->count,
		.frames = user->key.stack->frames,
	};
	return true;
}

static size_t bytes_of(const struct gomem_pool *pool)
{
	return (pool->slot_bytes + sizeof(*pool->buckets)) << pool->bits;
}

void gomem_stacks_stats(struct gomem_stacks_stats *stats)
{
	*stats = (struct gomem_stacks_stats){
		.rate = READ_ONCE(gomem_stacks_rate),
		.slots = gomem_stacks_slots(),
	};
	if (!stats->slots)
		return;
	stats->bytes = bytes_of(&stacks) + bytes_of(&users);
	stats->stacks = (1U << STACK_BITS) - READ_ONCE(stacks.spare);
	stats->users = (1U << USER_BITS) - READ_ONCE(users.spare);
	stats->merged = atomic64_read(&merged);
	stats->dropped = atomic64_read(&dropped);
	stats->unreadable = atomic64_read(&unreadable);
}

static int make_table(void)
{
	int err;

	lockdep_assert_held(&rate_mutex);
	if (has_table)
		return 0;
	seed = get_random_u64();
	err = gomem_pool_init(&stacks, sizeof(struct stack), STACK_BITS);
	if (err)
		return err;
	err = gomem_pool_init(&users, sizeof(struct stack_user), USER_BITS);
	if (err) {
		gomem_pool_exit(&stacks);
		return err;
	}
	/* Pairs with gomem_stacks_slots(). */
	smp_store_release(&has_table, true);
	return 0;
}

static int set_rate(unsigned int rate)
{
	int err = 0;

	lockdep_assert_held(&rate_mutex);
	if (rate)
		err = make_table();
	if (err)
		return err;
	/* Pairs with gomem_stacks_note(). */
	smp_store_release(&gomem_stacks_rate, rate);
	return 0;
}

/* The parameter may be written before the module is up, and when it is on its way out. */
static int stacks_set(const char *value, const struct kernel_param *param)
{
	unsigned int rate;
	int err = kstrtouint(value, 0, &rate);

	if (err)
		return err;
	mutex_lock(&rate_mutex);
	if (is_up)
		err = set_rate(rate);
	if (!err)
		wanted_rate = rate;
	mutex_unlock(&rate_mutex);
	return err;
}

static const struct kernel_param_ops stacks_ops = {
	.set = stacks_set,
	.get = param_get_uint,
};

module_param_cb(stacks, &stacks_ops, &wanted_rate, 0600);
MODULE_PARM_DESC(stacks, "keep user stacks, of every so many-th first touch of a page; 0: none");

int gomem_stacks_init(void)
{
	int err;

	mutex_lock(&rate_mutex);
	err = set_rate(wanted_rate);
	is_up = !err;
	mutex_unlock(&rate_mutex);
	return err;
}

void gomem_stacks_exit(void)
{
	mutex_lock(&rate_mutex);
	is_up = false;
	mutex_unlock(&rate_mutex);
	cancel_delayed_work_sync(&sweep_work);
	gomem_pool_exit(&stacks);
	gomem_pool_exit(&users);
}
