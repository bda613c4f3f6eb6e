/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A fixed number of slots in a hash table, each belonging to an image: what a target runs
 * between two execs. Found without a lock, taken under one, and swept when the image is gone.
 */
#ifndef GOMEM_POOL_H
#define GOMEM_POOL_H

#include <linux/bitops.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/* A chain that grew longer, by chance or on purpose, is no longer searched. */
#define GOMEM_POOL_CHAIN_MAX 64
#define GOMEM_POOL_IMAGES 65536

/**
 * struct gomem_pool_slot - the head of what is kept in a slot
 * @next: in its bucket, or in the free list
 * @hash: of its key
 * @image: whose it is, never 0; 0 in a slot that is free
 */
struct gomem_pool_slot {
	struct gomem_pool_slot __rcu *next;
	u64 hash;
	u64 image;
};

/**
 * struct gomem_pool - the slots
 * @slot_bytes: of a slot
 * @bits: there are 2^bits of them, and of buckets
 * @slots: their memory
 * @buckets: chains by the upper bits of the hash
 * @lock: guards @free, @spare and every change of a chain; taken in probe handlers
 * @free: slots not in use
 * @spare: how many those are
 */
struct gomem_pool {
	size_t slot_bytes;
	unsigned int bits;
	char *slots;
	struct gomem_pool_slot __rcu **buckets;
	raw_spinlock_t lock;
	struct gomem_pool_slot *free;
	unsigned int spare;
};

/**
 * struct gomem_pool_images - which images live
 * @newest: no slot was of a later one before @live was set
 * @live: by the low bits of the image; two that share a bit live as long as either
 */
struct gomem_pool_images {
	u64 newest;
	DECLARE_BITMAP(live, GOMEM_POOL_IMAGES);
};

/** typedef gomem_pool_same_fn - is that the key of a slot with the right hash and image? */
typedef bool (*gomem_pool_same_fn)(const struct gomem_pool_slot *slot, const void *key);

/** typedef gomem_pool_fill_fn - put the key into a fresh slot, whose other bytes are 0 */
typedef void (*gomem_pool_fill_fn)(struct gomem_pool_slot *slot, const void *key);

/** gomem_pool_init() - allocate all slots. Return: 0 or -ENOMEM */
int gomem_pool_init(struct gomem_pool *pool, size_t slot_bytes, unsigned int bits);

/** gomem_pool_exit() - free them; nobody uses the pool any more, and it may be without memory */
void gomem_pool_exit(struct gomem_pool *pool);

/**
 * gomem_pool_find() - the slot of a key, or NULL
 *
 * This and gomem_pool_insert() are for probe handlers: the caller has preemption off or is
 * in an RCU read-side section, and uses the slot only there.
 */
static __always_inline struct gomem_pool_slot *gomem_pool_find(const struct gomem_pool *pool,
							       u64 hash, u64 image,
							       gomem_pool_same_fn is_same,
							       const void *key)
{
	struct gomem_pool_slot *slot =
		rcu_dereference_raw(pool->buckets[hash >> (64 - pool->bits)]);
	unsigned int budget = GOMEM_POOL_CHAIN_MAX;

	for (; slot && budget; slot = rcu_dereference_raw(slot->next), budget--) {
		if (slot->hash == hash && READ_ONCE(slot->image) == image && is_same(slot, key))
			return slot;
	}
	return NULL;
}

/**
 * gomem_pool_insert() - the slot of a key that was not found
 *
 * Return: the slot, another CPU's when that was quicker; NULL when no more than @reserve are free.
 */
struct gomem_pool_slot *gomem_pool_insert(struct gomem_pool *pool, u64 hash, u64 image,
					  gomem_pool_same_fn is_same, gomem_pool_fill_fn fill,
					  const void *key, unsigned int reserve);

/** gomem_pool_at() - slot @index, below 2^bits, or NULL when it is free. In an RCU section */
struct gomem_pool_slot *gomem_pool_at(const struct gomem_pool *pool, unsigned int index);

/** gomem_pool_newest() - the latest image that a slot belongs to, or 0 */
u64 gomem_pool_newest(const struct gomem_pool *pool);

/**
 * gomem_pool_cut() - take the slots of dead images out of their chains
 *
 * May sleep. Handlers may be using them: gomem_pool_give_back() a grace period later.
 *
 * Return: a list of them.
 */
struct gomem_pool_slot *gomem_pool_cut(struct gomem_pool *pool,
				       const struct gomem_pool_images *images);

/** gomem_pool_give_back() - slots of gomem_pool_cut() are free again. May sleep */
void gomem_pool_give_back(struct gomem_pool *pool, struct gomem_pool_slot *list);

#endif /* GOMEM_POOL_H */
