/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a sample takes more than a call to look at. Only cmd_record*.c sees this. */
#ifndef GM_CMD_RECORD_H
#define GM_CMD_RECORD_H

#include "cmd_subject.h"

/* Addresses of code that have a name in the file already, sorted. */
struct gm_record_known {
	GM_VEC(uint64_t);
};

/* The goroutines of @subject, which runs, into a @sample with maps and pages. What cannot be read
 * is a problem of the sample, no error.
 */
struct gm_error *gm_record_goroutines(struct gm_subject *subject,
				      struct gm_sample *sample) GM_MUST_CHECK;

/* The stacks that the module has of it, and their labels. */
struct gm_error *gm_record_stacks(struct gm_subject *subject,
				  struct gm_sample *sample) GM_MUST_CHECK;

/* The names of the code that the goroutines and stacks of @sample are in, where it is not @known,
 * which it then is.
 */
struct gm_error *gm_record_codes(struct gm_record_known *known,
				 struct gm_sample *sample) GM_MUST_CHECK;

/* Who holds its heap. What cannot be read is a problem of the sample, no error. */
struct gm_error *gm_record_holders(struct gm_subject *subject,
				   struct gm_sample *sample) GM_MUST_CHECK;

#endif
