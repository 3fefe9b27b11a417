#include "fixture.h"

struct flow {
    fiber_chan *c;
    int from, to;
};

static int send_range(void *arg)
{
    struct flow *f = arg;
    for (int i = f->from; i < f->to; i++) {
        OK(fiber_chan_send(f->c, &i, FIBER_FOREVER));
    }
    return 0;
}

static void items_arrive_in_order(size_t room)
{
    struct flow f = {.from = 0, .to = 1000};
    OK(fiber_chan_new(sizeof(int), room, &f.c));
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, send_range, &f));
    for (int want = 0; want < f.to; want++) {
        int got = -1;
        OK(fiber_chan_recv(f.c, &got, FIBER_FOREVER));
        ck_assert_int_eq(got, want);
        ck_assert_uint_le(fiber_chan_len(f.c), room);
    }
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    fiber_chan_free(f.c);
}

START_FIBER_TEST(items_arrive_in_order_whatever_the_room)
{
    items_arrive_in_order(0);
    items_arrive_in_order(1);
    items_arrive_in_order(7);
    items_arrive_in_order(5000);
}
END_FIBER_TEST

static int receive_one(void *arg)
{
    struct flow *f = arg;
    return fiber_chan_recv(f->c, &f->from, FIBER_FOREVER);
}

START_FIBER_TEST(receivers_are_served_in_their_order)
{
    struct flow f[5];
    fiber_chan *c;
    OK(fiber_chan_new(sizeof(int), 0, &c));
    FIBER_BUNDLE(b);
    for (int i = 0; i < 5; i++) {
        f[i] = (struct flow){.c = c};
        OK(fiber_start(&b, receive_one, &f[i]));
    }
    OK(fiber_yield());
    for (int i = 10; i < 15; i++) {
        ck_assert(fiber_chan_try_send(c, &i));
    }
    int extra = 99;
    ck_assert(!fiber_chan_try_send(c, &extra));
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(f[i].from, 10 + i);
    }
    fiber_chan_free(c);
}
END_FIBER_TEST

START_FIBER_TEST(a_full_channel_makes_senders_wait_in_order)
{
    struct flow f[3];
    fiber_chan *c;
    OK(fiber_chan_new(sizeof(int), 2, &c));
    FIBER_BUNDLE(b);
    for (int i = 0; i < 3; i++) {
        f[i] = (struct flow){c, 10 * i, 10 * i + 2};
        OK(fiber_start(&b, send_range, &f[i]));
    }
    OK(fiber_yield());
    int want[] = {0, 1, 10, 20, 11, 21}, got;
    for (size_t i = 0; i < 6; i++) {
        OK(fiber_chan_recv(c, &got, FIBER_FOREVER));
        ck_assert_int_eq(got, want[i]);
        OK(fiber_yield());
    }
    ck_assert(!fiber_chan_try_recv(c, &got));
    fiber_chan_free(c);
}
END_FIBER_TEST

START_FIBER_TEST(a_closed_channel_gives_what_it_holds_and_then_ends)
{
    fiber_chan *c;
    OK(fiber_chan_new(sizeof(int), 4, &c));
    int v = 7;
    OK(fiber_chan_send(c, &v, 0 + FIBER_FOREVER));
    fiber_chan_close(c);
    CODE(fiber_chan_send(c, &v, FIBER_FOREVER), -EPIPE);
    ck_assert(!fiber_chan_try_send(c, &v));
    v = 0;
    OK(fiber_chan_recv(c, &v, FIBER_FOREVER));
    ck_assert_int_eq(v, 7);
    CODE(fiber_chan_recv(c, &v, FIBER_FOREVER), -EPIPE);
    fiber_chan_free(c);
}
END_FIBER_TEST

static int expect_pipe_sending(void *arg)
{
    int v = 0;
    CODE(fiber_chan_send((fiber_chan *)arg, &v, FIBER_FOREVER), -EPIPE);
    return 0;
}

static int expect_pipe_receiving(void *arg)
{
    int v = 0;
    CODE(fiber_chan_recv((fiber_chan *)arg, &v, FIBER_FOREVER), -EPIPE);
    return 0;
}

START_FIBER_TEST(closing_wakes_those_who_wait)
{
    int (*const waits[])(void *) = {expect_pipe_sending, expect_pipe_receiving};
    for (size_t i = 0; i < 2; i++) {
        fiber_chan *c;
        OK(fiber_chan_new(sizeof(int), 0, &c));
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, waits[i], c));
        OK(fiber_start(&b, waits[i], c));
        OK(fiber_yield());
        fiber_chan_close(c);
        OK(fiber_bundle_wait(&b, FIBER_FOREVER));
        fiber_chan_free(c);
    }
}
END_FIBER_TEST

START_FIBER_TEST(a_receiver_that_timed_out_takes_no_item)
{
    fiber_chan *c;
    int v = 0;
    OK(fiber_chan_new(sizeof(int), 1, &c));
    CODE(fiber_chan_recv(c, &v, fiber_in_ms(2)), -ETIMEDOUT);
    v = 5;
    ck_assert(fiber_chan_try_send(c, &v));
    ck_assert_uint_eq(fiber_chan_len(c), 1);
    fiber_chan_free(c);
}
END_FIBER_TEST

START_FIBER_TEST(sizes_that_overflow_are_refused)
{
    fiber_chan *c;
    CODE(fiber_chan_new(SIZE_MAX / 2, 3, &c), -ENOMEM);
}
END_FIBER_TEST

RUN("fiber chan", 20, CASE(items_arrive_in_order_whatever_the_room), CASE(receivers_are_served_in_their_order),
    CASE(a_full_channel_makes_senders_wait_in_order), CASE(a_closed_channel_gives_what_it_holds_and_then_ends),
    CASE(closing_wakes_those_who_wait), CASE(a_receiver_that_timed_out_takes_no_item),
    CASE(sizes_that_overflow_are_refused));
