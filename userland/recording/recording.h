/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording: samples of one process in one SQLite file, whose tables gomemctl(8) describes. A
 * file from elsewhere is hostile.
 */
#ifndef GM_RECORDING_RECORDING_H
#define GM_RECORDING_RECORDING_H

#include "go/heap.h"
#include "join/bill.h"
#include "recording/sample.h"

/* The version of the tables, PRAGMA user_version; and "gomm", PRAGMA application_id. */
#define GM_RECORDING_VERSION 2
#define GM_RECORDING_ID 0x676f6d6d

struct gm_recorder;

/* A new file. EEXIST: there is one. Caller destroys. */
struct gm_error *gm_recorder_create(const char *path, struct gm_recorder **recorder) GM_MUST_CHECK;
void gm_recorder_destroy(struct gm_recorder *recorder);
GM_DEFINE_AUTO(gm_recorder)

/* Adds @sample, whole or not at all. @heap and @bill are what it comes to; NULL, the former where
 * it has no heap.
 */
struct gm_error *gm_recorder_add(struct gm_recorder *recorder, const struct gm_sample *sample,
				 const struct gm_go_heap *heap,
				 const struct gm_bill *bill) GM_MUST_CHECK;

struct gm_recording;

/* A file that is there. ENOENT; EBADMSG, ENOTSUP: it is no recording, of another version, or was
 * changed. Caller destroys.
 */
struct gm_error *gm_recording_open(const char *path, struct gm_recording **recording) GM_MUST_CHECK;
void gm_recording_destroy(struct gm_recording *recording);
GM_DEFINE_AUTO(gm_recording)

/* The sample that @which names: its number from 1 on, or the last at or before a local time as in
 * "2026-11-21 10:30[:00]" or, of the day of the last sample, "10:30[:00]"; the last where @which
 * is NULL. EINVAL: it names none.
 */
struct gm_error *gm_recording_find(struct gm_recording *recording, const char *which,
				   int64_t *sample) GM_MUST_CHECK;

/* All of it, checked. The caller deinits @sample, also after an error. */
struct gm_error *gm_recording_read(struct gm_recording *recording, int64_t id,
				   struct gm_sample *sample) GM_MUST_CHECK;

#endif
