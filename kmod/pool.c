// SPDX-License-Identifier: GPL-2.0
#include "pool.h"

#include <linux/kprobes.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

static struct gomem_pool_slot *slot_at(const struct gomem_pool *pool, unsigned int index)
{
	return (struct gomem_pool_slot *)(pool->slots + index * pool->slot_bytes);
}

int gomem_pool_init(struct gomem_pool *pool, size_t slot_bytes, unsigned int bits)
{
	unsigned int i, count = 1U << bits;

	pool->slots = vzalloc(count * slot_bytes);
	pool->buckets = vzalloc(count * sizeof(*pool->buckets));
	if (!pool->slots || !pool->buckets) {
		gomem_pool_exit(pool);
		return -ENOMEM;
	}
	pool->slot_bytes = slot_bytes;
	pool->bits = bits;
	raw_spin_lock_init(&pool->lock);
	for (i = 0; i < count - 1; i++)
		RCU_INIT_POINTER(slot_at(pool, i)->next, slot_at(pool, i + 1));
	pool->free = slot_at(pool, 0);
	pool->spare = count;
	return 0;
}

void gomem_pool_exit(struct gomem_pool *pool)
{
	vfree(pool->buckets);
	vfree(pool->slots);
	pool->buckets = NULL;
	pool->slots = NULL;
}

static struct gomem_pool_slot *take(struct gomem_pool *pool, unsigned int reserve)
{
	struct gomem_pool_slot *slot = pool->free;

	lockdep_assert_held(&pool->lock);
	if (pool->spare <= reserve)
		return NULL;
	pool->free = rcu_dereference_protected(slot->next, true);
	WRITE_ONCE(pool->spare, pool->spare - 1);
	return slot;
}

NOKPROBE_SYMBOL(take);

struct gomem_pool_slot *gomem_pool_insert(struct gomem_pool *pool, u64 hash, u64 image,
					  gomem_pool_same_fn is_same, gomem_pool_fill_fn fill,
					  const void *key, unsigned int reserve)
{
	struct gomem_pool_slot __rcu **bucket = &pool->buckets[hash >> (64 - pool->bits)];
	struct gomem_pool_slot *slot;
	unsigned long flags;

	if (READ_ONCE(pool->spare) <= reserve)
		return NULL;
	raw_spin_lock_irqsave(&pool->lock, flags);
	slot = gomem_pool_find(pool, hash, image, is_same, key);
	if (slot)
		goto out;
	slot = take(pool, reserve);
	if (!slot)
		goto out;
	fill(slot, key);
	slot->hash = hash;
	RCU_INIT_POINTER(slot->next, rcu_dereference_protected(*bucket, true));
	/* Pairs with gomem_pool_at(): what has an image is filled. */
	smp_store_release(&slot->image, image);
	rcu_assign_pointer(*bucket, slot);
out:
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	return slot;
}

NOKPROBE_SYMBOL(gomem_pool_insert);

struct gomem_pool_slot *gomem_pool_at(const struct gomem_pool *pool, unsigned int index)
{
	struct gomem_pool_slot *slot = slot_at(pool, index);

	/* Pairs with gomem_pool_insert(). */
	return smp_load_acquire(&slot->image) ? slot : NULL;
}

u64 gomem_pool_newest(const struct gomem_pool *pool)
{
	unsigned int i;
	u64 newest = 0;

	for (i = 0; i < 1U << pool->bits; i++)
		newest = max(newest, READ_ONCE(slot_at(pool, i)->image));
	return newest;
}

static bool is_dead(const struct gomem_pool_slot *slot, const struct gomem_pool_images *images)
{
	return slot->image <= images->newest &&
	       !test_bit(slot->image % GOMEM_POOL_IMAGES, images->live);
}

/*
 * Who reads a dead slot must still find the way on in its chain: the list of the dead goes
 * through @hash, which the dead do not need.
 */
static struct gomem_pool_slot *cut_bucket(struct gomem_pool *pool,
					  struct gomem_pool_slot __rcu **link,
					  const struct gomem_pool_images *images,
					  struct gomem_pool_slot *dead)
{
	struct gomem_pool_slot *slot;

	raw_spin_lock_irq(&pool->lock);
	while ((slot = rcu_dereference_protected(*link, true))) {
		if (!is_dead(slot, images)) {
			link = &slot->next;
			continue;
		}
		RCU_INIT_POINTER(*link, rcu_dereference_protected(slot->next, true));
		WRITE_ONCE(slot->image, 0);
		slot->hash = (unsigned long)dead;
		dead = slot;
	}
	raw_spin_unlock_irq(&pool->lock);
	return dead;
}

struct gomem_pool_slot *gomem_pool_cut(struct gomem_pool *pool,
				       const struct gomem_pool_images *images)
{
	struct gomem_pool_slot *dead = NULL;
	unsigned int i;

	for (i = 0; i < 1U << pool->bits; i++) {
		dead = cut_bucket(pool, &pool->buckets[i], images, dead);
		cond_resched();
	}
	return dead;
}

void gomem_pool_give_back(struct gomem_pool *pool, struct gomem_pool_slot *list)
{
	struct gomem_pool_slot *slot;

	while ((slot = list)) {
		list = (void *)(unsigned long)slot->hash;
		memset(slot, 0, pool->slot_bytes);
		raw_spin_lock_irq(&pool->lock);
		RCU_INIT_POINTER(slot->next, pool->free);
		pool->free = slot;
		WRITE_ONCE(pool->spare, pool->spare + 1);
		raw_spin_unlock_irq(&pool->lock);
		cond_resched();
	}
}
