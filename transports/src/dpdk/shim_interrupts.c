/*
 * When DPDK's interrupt thread does what. In it the driver of memif answers the other end, and takes the port's rings apart
 * when that goes, whatever other threads do with them. Part of the same shared object as shim.c.
 */
/* As handles of interrupt sources are in 22.11. */
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
	int event;
	/* To be stopped. */
	uint16_t port;
	/* Whether it then waits until it may leave. */
	int stays;
	sem_t inside;
	sem_t leave;
	sem_t done;
};

static void stop(uint16_t port)
{
	rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
}

static struct errand hold;

static void wait_for(sem_t *sem)
{
	while (sem_wait(sem) != 0)
		;
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
	if (errand->stays) {
		sem_post(&errand->inside);
		wait_for(&errand->leave);
	}
	rte_intr_callback_unregister_pending(errand->source, run, errand, is_over);
}

static void put_away(struct errand *errand)
{
	rte_intr_instance_free(errand->source);
	close(errand->event);
	sem_destroy(&errand->inside);
	sem_destroy(&errand->leave);
	sem_destroy(&errand->done);
}

/*
 * Sends the interrupt thread on an errand. Sources are looked through in the order in which they were registered, and this
 * one is new: whatever was waiting is dealt with before.
 */
static int begin(struct errand *errand, uint16_t port, int stays)
{
	errand->port = port;
	errand->stays = stays;
	/* There to be read from the start. */
	errand->event = eventfd(1, EFD_CLOEXEC);
	if (errand->event < 0)
		return -errno;
	sem_init(&errand->inside, 0, 0);
	sem_init(&errand->leave, 0, 0);
	sem_init(&errand->done, 0, 0);
	errand->source = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
	int error = errand->source == NULL ? -ENOMEM : 0;

	if (error == 0 && (rte_intr_fd_set(errand->source, errand->event) != 0 ||
			   rte_intr_type_set(errand->source, RTE_INTR_HANDLE_EXT) != 0))
		error = -EINVAL;
	if (error == 0)
		error = rte_intr_callback_register(errand->source, run, errand);
	if (error != 0)
		put_away(errand);
	return error;
}

static void finish(struct errand *errand)
{
	wait_for(&errand->done);
	put_away(errand);
}

static int have_run(uint16_t port)
{
	struct errand errand;
	int error = begin(&errand, port, 0);

	if (error == 0)
		finish(&errand);
	return error;
}

/*
 * Stops and closes a port of memif. Nothing in the driver keeps that apart from the interrupt thread closing the same port
 * because the other end goes: what both free is freed twice, or by a thread that holds on to a port which is gone. So only
 * the interrupt thread does it. Then once around: it may still have an event of the socket that was just closed, and would
 * take it for one of the next socket with the same number, and wait there for ever. After that the other end, if it is in
 * this process, has seen that this one is gone.
 */
SHOWN void tc_memif_stop(uint16_t port)
{
	if (have_run(port) != 0)
		stop(port);
	have_run(NO_PORT);
}

/* Zero when the interrupt thread does nothing from now on, until it is let go. */
SHOWN int tc_interrupts_hold(void)
{
	int error = begin(&hold, NO_PORT, 1);

	if (error == 0)
		wait_for(&hold.inside);
	return error;
}

SHOWN void tc_interrupts_let_go(void)
{
	sem_post(&hold.leave);
	finish(&hold);
}
