/*
 * The relay's protocol, for a model checker: one stream, EVENTS messages, two relays, one consumer.
 *
 * At any moment a relay may crash, may lose its lock without noticing (a zombie), and any message
 * may be lost on its way while later ones arrive; MAX_FAULTS times in all. Every interleaving is
 * tried. What must hold: the consumer applies every message, once, in order.
 *
 * Each of these breaks it, and the checker must find out (see test_relay_model.py):
 *   WITHOUT_GUARD   the consumer takes whatever comes;
 *   WITHOUT_PREFIX  a message is marked although an earlier one of its stream failed;
 *   MARK_FIRST      rows are marked before they are sent.
 */
#ifndef EVENTS
#define EVENTS 3
#endif
#ifndef MAX_FAULTS
#define MAX_FAULTS 2
#endif
#define RELAYS 2
#define CAPACITY 12              /* of the topic: ends a run in which relays repeat without end */
#define NOBODY 255
#define ALL_PUBLISHED (published_count == EVENTS)

byte committed = 0;              /* messages 1..committed are visible in the outbox */
bool published[EVENTS + 1];      /* published_at IS NOT NULL */
byte published_count = 0;
byte topic[CAPACITY];            /* the partition: numbers in the order of their arrival */
byte length = 0;
byte owner = NOBODY;             /* who holds the shard's lock */
byte faults = 0;

inline mark(n) {
    if
    :: !published[n] -> published[n] = true; published_count++
    :: else -> skip
    fi
}

/* What is not looked at again is forgotten at once: worlds that differ in nothing else are one. */
inline forget() {
    i = 0;
    do
    :: i <= EVENTS -> batch[i] = 0; acknowledged[i] = false; i++
    :: else -> break
    od;
    size = 0; i = 0; marked = 0
}

/* Numbers are given and rows inserted under the stream's lock, so they become visible in order. */
active proctype writer() {
    do
    :: committed < EVENTS -> committed++
    :: else -> break
    od
}

proctype relay(byte me) {
    byte batch[EVENTS + 1];
    bool acknowledged[EVENTS + 1];
    byte size, i, marked;

standby:
    do
    :: atomic { owner == NOBODY -> owner = me }; goto claim
    :: ALL_PUBLISHED -> goto done
    od;

claim:
    do
    :: ALL_PUBLISHED -> goto done
    :: owner != me -> goto standby
    :: atomic {
        owner == me ->
        size = 0; i = 1; marked = 0;
        do
        :: i <= EVENTS ->
            acknowledged[i] = false;
            if
            :: i <= committed && !published[i] -> size++; batch[size] = i
            :: else -> skip
            fi;
            i++
        :: else -> break
        od;
#ifdef MARK_FIRST
        i = 1;
        do
        :: i <= size -> mark(batch[i]); i++
        :: else -> break
        od;
#endif
        i = 1
       }
       do
       :: i <= size && length < CAPACITY ->
           if
           :: atomic { topic[length] = batch[i]; length++; acknowledged[i] = true }
           :: atomic { faults < MAX_FAULTS -> faults++ }   /* this one is lost, later ones go on */
           fi;
           i++
       :: atomic { i <= size && length == CAPACITY -> forget(); goto done }
       :: atomic {                                         /* marked while later ones are sent */
           marked + 1 < i && acknowledged[marked + 1] -> marked++; mark(batch[marked])
          }
       :: atomic {                                         /* crash: the batch is forgotten */
           faults < MAX_FAULTS -> faults++;
           if :: owner == me -> owner = NOBODY :: else -> skip fi;
           forget();
           goto standby
          }
       :: atomic {                                         /* the lock is lost, the work goes on */
           faults < MAX_FAULTS && owner == me -> faults++; owner = NOBODY
          }
       :: i > size -> break
       od;
       atomic {
        i = 1;
        do
        :: i <= size && acknowledged[i] -> mark(batch[i]); i++
#ifdef WITHOUT_PREFIX
        :: i <= size && !acknowledged[i] -> i++
#else
        :: i <= size && !acknowledged[i] -> break
#endif
        :: i > size -> break
        od;
        forget()
       }
    od;
done:
    skip
}

active proctype consumer() {
    byte applied = 0;
    byte at = 0;
    do
    :: atomic {
        at < length ->
        if
#ifdef WITHOUT_GUARD
        :: true -> assert(topic[at] == applied + 1); applied = topic[at]
#else
        :: topic[at] == applied + 1 -> applied++
        :: topic[at] <= applied -> skip                    /* a repeat */
        :: topic[at] > applied + 1 -> skip                 /* a gap: it will come again */
#endif
        fi;
        topic[at] = 0;
        at++
       }
    :: applied == EVENTS -> break
    :: timeout -> assert(applied == EVENTS || length == CAPACITY); break
    od
}

init {
    atomic {
        byte i = 0;
        do
        :: i < RELAYS -> run relay(i); i++
        :: else -> break
        od
    }
}
