/*
 * One order under commands and facts at once, for a model checker.
 *
 * From every state that the lifecycle knows a caller asks for any action, and a rival does what it
 * likes at the same time: another caller, a source that tells any fact, or an operator with a hold.
 * The caller and the source come twice, for nobody knows what became of a transaction whose answer
 * was lost: the second time may begin before the first has ended, which may come to nothing.
 *
 * lifecycle_table.pml is written from service/domain/lifecycle.py when the model is checked: names,
 * legal moves, walks, and a check that TRUTH says what service/domain/truth.py says. What must hold
 * is asserted below. Each of these breaks it, and the checker must find out:
 *   WITHOUT_ROW_LOCK     a transaction decides by what it read, and others write meanwhile;
 *   WITHOUT_REQUEST_ID   a caller who repeats is taken for another one;
 *   WITHOUT_ETAG         what a caller has seen is not compared with what is there;
 *   WITHOUT_GUARD        a parcel may leave without approval, or from an order on hold;
 *   WITHOUT_TABLE        any action may follow any state.
 */
#define NOBODY 255
#define CALLERS 2

/* What the facts prove. What left outweighs a cancel; a cancel outweighs the money. */
#define HAS(set, fact) (((set) & (fact)) != 0)
#define IS_CANCELLED(set) (HAS(set, F_CANCELLED) && !(HAS(set, F_LIFTED) && HAS(set, F_PAID)))
#define TRUTH(set) \
    (HAS(set, F_COMPLETED) -> COMPLETED : \
    (HAS(set, F_DELIVERED) -> DELIVERED : \
    (HAS(set, F_SHIPPING) -> SHIPPING : \
    (IS_CANCELLED(set) -> CANCELLED : \
    ((HAS(set, F_PAID) && HAS(set, F_AWAITING_OUTBOUND)) -> AWAITING_OUTBOUND : \
    (HAS(set, F_PAID) -> PAID : \
    (HAS(set, F_PAYING) -> PAYING : PENDING_PAYMENT)))))))

#include "lifecycle_table.pml"

mtype = { FREE, CLAIMED, ANSWERED };         /* a request id */
mtype = { NOTHING, DONE, REFUSED };          /* an answer */

/* The rows of the order. */
byte facts;
bool approved, held;
byte sequence;                               /* of the journal: also the etag */
byte owner = NOBODY;                         /* who has locked them */

/* The rows of requests, and what callers ask for. */
mtype request[CALLERS] = FREE;
mtype answer[CALLERS] = NOTHING;
byte asked[CALLERS];
bool with_etag[CALLERS];                     /* each has seen the order as it was in the beginning */

/* The one fact that a source tells, by its id, and how often it, and the money, took effect. */
byte told;
bool is_known;
byte effects[CALLERS];
byte fact_effects, payments;

#ifdef WITHOUT_ROW_LOCK
#define LOCKED true ->
#else
#define LOCKED owner == NOBODY -> owner = _pid;
#endif

inline unlock() {
    if :: owner == _pid -> owner = NOBODY :: else -> skip fi
}

/* Joins a fact to those that were read, and writes the way from the old truth to the new. */
inline join(read, read_sequence, fact, rest) {
    assert(read_sequence == sequence);       /* no two rows of the journal have one number */
    was = TRUTH(facts);
    facts = (read & rest) | fact;
    is = TRUTH(facts);
    assert(WALKS(was, is));
    assert(was != COMPLETED || is == COMPLETED);
    assert(was == CANCELLED || is >= was);
    if
    :: HAS(fact, F_PAID) && !HAS(read, F_PAID) -> payments++
    :: else -> skip
    fi;
    sequence = read_sequence + 1
}

inline allow(action) {
    is_allowed = true;
#ifndef WITHOUT_TABLE
    was = TRUTH(read);
    if :: TARGET(was, action) == NO_STATE -> is_allowed = false :: else -> skip fi;
#endif
#ifndef WITHOUT_ETAG
    if :: with_etag[me] && read_sequence != 0 -> is_allowed = false :: else -> skip fi;
#endif
#ifndef WITHOUT_GUARD
    if
    :: action == SHIP && (read_held || !read_approved) -> is_allowed = false
    :: action == APPROVE_OUTBOUND && (read_held || read_approved) -> is_allowed = false
    :: action == REINSTATE && !HAS(read, F_PAID) -> is_allowed = false
    :: else -> skip
    fi
#endif
}

proctype command(byte me; bool may_fail) {
    byte read, read_sequence;
    bool read_approved, read_held, is_allowed;
    byte was, is;

#ifndef WITHOUT_REQUEST_ID
    atomic {
        request[me] != CLAIMED ->            /* a unique key: who comes second waits */
        if
        :: request[me] == ANSWERED -> goto answered
        :: else -> request[me] = CLAIMED
        fi
    }
#endif
    atomic {
        LOCKED
        read = facts; read_sequence = sequence; read_approved = approved; read_held = held
    }
    if
    :: atomic {                              /* rolled back; another one of us comes */
        may_fail -> unlock();
#ifndef WITHOUT_REQUEST_ID
        request[me] = FREE;
#endif
        goto over
       }
    :: atomic {
        allow(asked[me]);
        if
        :: is_allowed ->
            was = TRUTH(facts);
            assert(TARGET(was, asked[me]) != NO_STATE);
            assert(!with_etag[me] || sequence == 0);
            assert(asked[me] != SHIP || (approved && !held));
            assert(asked[me] != REINSTATE || HAS(facts, F_PAID));
            effects[me]++;
            assert(effects[me] == 1);
            if
            :: asked[me] == APPROVE_OUTBOUND -> approved = true; join(read, read_sequence, 0, 255)
            :: asked[me] == CANCEL -> join(read, read_sequence, F_CANCELLED, 255 - F_LIFTED)
            :: else -> join(read, read_sequence, PROOF(asked[me]), 255)
            fi;
            answer[me] = DONE
        :: else ->
            answer[me] = REFUSED
        fi;
        request[me] = ANSWERED;
        unlock();
        goto answered
       }
    fi;
answered:
    atomic {                                 /* what a caller is told is what really happened */
        assert(answer[me] != NOTHING);
        assert((answer[me] == DONE) == (effects[me] == 1))
    }
over:
    atomic {
        read = 0; read_sequence = 0; read_approved = false; read_held = false;
        was = 0; is = 0; is_allowed = false
    }
}

proctype source(bool may_fail) {
    byte read, read_sequence;
    bool was_known;
    byte was, is;

    atomic { LOCKED read = facts; read_sequence = sequence; was_known = is_known }
    if
    :: atomic { may_fail -> unlock() }
    :: atomic {
        if
        :: was_known -> skip                 /* confirmed: nothing changes */
        :: else ->
            fact_effects++;
            assert(fact_effects == 1);
            join(read, read_sequence, told, 255);
            is_known = true
        fi;
        unlock()
       }
    fi;
    d_step { read = 0; read_sequence = 0; was_known = false; was = 0; is = 0 }
}

proctype operator(bool places) {
    byte read_sequence;

    atomic { LOCKED read_sequence = sequence }
    atomic {
        assert(read_sequence == sequence);
        held = places; sequence = read_sequence + 1;
        unlock()
    }
}

/* What the model takes for true is what the code derives, for every set of facts. */
inline check_truth(set) {
    d_step {
        tabulate_truths();
        set = 0;
        do
        :: set < 255 -> assert(TRUTH(set) == proven[set]); set++
        :: else -> assert(TRUTH(set) == proven[set]); break
        od;
        set = 0
    }
}

/* An order that went so far on its road, and may have been cancelled, or reinstated after that. */
inline begin() {
    byte way;
    select(way : 0 .. COMPLETED);
    facts = (1 << way) - 1;
    if
    :: skip
    :: facts = facts | F_CANCELLED
    :: facts = facts | F_CANCELLED | F_LIFTED
    fi;
    /* Elsewhere nobody asks for approval or minds a hold. */
    if
    :: way == AWAITING_OUTBOUND -> if :: approved = true :: skip fi; if :: held = true :: skip fi
    :: else -> skip
    fi;
    payments = (HAS(facts, F_PAID) -> 1 : 0);
    way = 0
}

init {
    byte number;
    atomic {
        check_truth(number);
        begin();
        select(number : 0 .. ACTIONS - 1);
        asked[0] = number;
        if :: with_etag[0] = true :: skip fi;
        run command(0, true); run command(0, false);
        if
        :: select(number : 0 .. ACTIONS - 1);
           asked[1] = number;
           run command(1, false)
        :: select(number : 0 .. CANCELLED - 1);
           told = 1 << number;
           run source(true); run source(false)
        :: run operator(!held)
        fi;
        number = 0
    }
    _nr_pr == 1;
    assert(owner == NOBODY);
    assert(request[0] == ANSWERED && (request[1] == FREE || request[1] == ANSWERED));
    assert(told == 0 || is_known);
    assert(payments == (HAS(facts, F_PAID) -> 1 : 0))
}
