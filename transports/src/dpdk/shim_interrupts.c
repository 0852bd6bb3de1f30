/*
 * Stopping a port in DPDK's interrupt thread. Part of the same shared object as shim.c.
 */
/* Handles of interrupt sources are "experimental" in 22.11, and as they are since. */
#define ALLOW_EXPERIMENTAL_API

#include <errno.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_interrupts.h>

#define SHOWN __attribute__((visibility("default")))
#define NO_PORT RTE_MAX_ETHPORTS

/* What the interrupt thread is asked for by an event of its own. */
struct errand {
	struct rte_intr_handle *source;
	uint16_t port;
	sem_t done;
};

static void stop(uint16_t port)
{
	rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
}

static void is_over(struct rte_intr_handle *source, void *argument)
{
	sem_post(&((struct errand *)argument)->done);
}

static void run(void *argument)
{
	struct errand *errand = argument;

	if (errand->port != NO_PORT)
		stop(errand->port);
	rte_intr_callback_unregister_pending(errand->source, run, errand, is_over);
}

/*
 * Has the interrupt thread run an errand. Sources are looked through in the order in which they were registered, and this
 * one is new: whatever was waiting is dealt with before.
 */
static int hand_over(struct errand *errand, int event)
{
	if (rte_intr_fd_set(errand->source, event) != 0 || rte_intr_type_set(errand->source, RTE_INTR_HANDLE_EXT) != 0)
		return -EINVAL;
	if (sem_init(&errand->done, 0, 0) != 0)
		return -errno;
	int error = rte_intr_callback_register(errand->source, run, errand);

	if (error == 0) {
		while (sem_wait(&errand->done) != 0)
			;
	}
	sem_destroy(&errand->done);
	return error;
}

static int have_run(uint16_t port)
{
	struct errand errand = { .port = port };
	/* There to be read from the start. */
	int error, event = eventfd(1, EFD_CLOEXEC);

	if (event < 0)
		return -errno;
	errand.source = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
	error = errand.source == NULL ? -ENOMEM : hand_over(&errand, event);
	rte_intr_instance_free(errand.source);
	close(event);
	return error;
}

/*
 * Stops and closes a port of memif. The interrupt thread closes it too when the other end goes, and nothing in the driver
 * keeps these apart: what both free is freed twice, or by a thread that holds on to a port which is gone. So only the
 * interrupt thread does it. Then once around: it may still have an event of the socket that was just closed, and would take
 * it for one of the next socket with the same number, and wait there for ever. After that the other end, if it is in this
 * process, has seen that this one is gone.
 */
SHOWN void tc_memif_stop(uint16_t port)
{
	if (have_run(port) != 0)
		stop(port);
	have_run(NO_PORT);
}
