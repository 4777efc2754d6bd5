/* verdict.c: numbers → two sentences; see verdict.h. */
#include "lab/verdict.h"
#include "base/base.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { BIRTHS_MIN = 10000, TIE_PERCENT = 2, WASTE_PERCENT = 15, LOST_PERMILLE = 1 };
#define LIVE_MIN ((uint64_t)1 << 20)
#define TIE_BYTES ((uint64_t)256 << 10)

/* What the sentences are made of while they are made. */
struct judge {
    const struct ash_lab_verdict_input *in;
    struct ash_lab_verdict *verdict;
    const char *at_least; /* LV2 */
    const struct ash_lab_figures *base;
};

static void say(struct ash_lab_verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void say(struct ash_lab_verdict *verdict, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (verdict->n_lines < ASH_LAB_LINES)
        vsnprintf(verdict->lines[verdict->n_lines++], ASH_LAB_LINE_MAX, format, list);
    va_end(list);
}

/* Adds to the last line. */
static void go_on(struct ash_lab_verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void go_on(struct ash_lab_verdict *verdict, const char *format, ...)
{
    char *line = verdict->lines[verdict->n_lines - 1];
    size_t n = strlen(line);
    va_list list;
    va_start(list, format);
    vsnprintf(line + n, ASH_LAB_LINE_MAX - n, format, list);
    va_end(list);
}

bool ash_lab_is_less(uint64_t other, uint64_t base, uint64_t spread)
{
    if (other >= base)
        return false;
    uint64_t difference = base - other;
    return difference >= TIE_BYTES && difference * 100 >= base * TIE_PERCENT && difference > spread;
}

static const char *label(const struct judge *judge, size_t i)
{
    return judge->in->results[i].contender->label;
}

/* "NAME" or "NAME, a model," (LV7); the text holds until the next call. */
static const char *named(const struct judge *judge, size_t i)
{
    static char text[96];
    snprintf(text, sizeof(text), judge->in->figures[i].is_model ? "%s, a model," : "%s",
             label(judge, i));
    return text;
}

static uint64_t spread_of(const struct judge *judge, size_t i)
{
    return ash_size_max(judge->in->results[i].spread_bytes,
                        judge->in->results[judge->in->base].spread_bytes);
}

/* LV7: averages of a foreign contender depend on time, which a fast replay does not have. */
static bool has_average(const struct judge *judge, size_t i)
{
    return !judge->in->figures[i].is_foreign || judge->in->is_paced;
}

static size_t best_by_peak(const struct judge *judge)
{
    const struct ash_lab_verdict_input *in = judge->in;
    size_t best = in->base;
    for (size_t i = 0; i < in->n; i++)
        if (!in->figures[i].is_out && in->figures[i].peak < in->figures[best].peak &&
            ash_lab_is_less(in->figures[i].peak, judge->base->peak, spread_of(judge, i)))
            best = i;
    return best;
}

static size_t best_by_average(const struct judge *judge)
{
    const struct ash_lab_verdict_input *in = judge->in;
    size_t best = in->base;
    if (!has_average(judge, in->base))
        return best;
    for (size_t i = 0; i < in->n; i++)
        if (!in->figures[i].is_out && has_average(judge, i) &&
            in->figures[i].average < in->figures[best].average &&
            ash_lab_is_less(in->figures[i].average, judge->base->average, spread_of(judge, i)))
            best = i;
    return best;
}

static int percent(uint64_t other, uint64_t base)
{
    return base ? (int)(((int64_t)other - (int64_t)base) * 100 / (int64_t)base) : 0;
}

static void say_ties(const struct judge *judge, size_t best)
{
    const struct ash_lab_verdict_input *in = judge->in;
    unsigned n = 0;
    for (size_t i = 0; i < in->n && n < 3; i++) {
        if (i == best || i == in->base || in->figures[i].is_out ||
            ash_lab_is_less(in->figures[best].peak, in->figures[i].peak, spread_of(judge, i)))
            continue;
        go_on(judge->verdict, n++ ? ", %s" : "; %s", label(judge, i));
        if (in->figures[i].is_model)
            go_on(judge->verdict, " (a model)");
    }
    if (n)
        go_on(judge->verdict, n == 1 ? " ties with it" : " tie with it");
}

/* LV5 */
static void say_best(const struct judge *judge)
{
    const struct ash_lab_verdict_input *in = judge->in;
    struct ash_lab_verdict *verdict = judge->verdict;
    size_t best = verdict->best;
    const struct ash_lab_figures *figures = &in->figures[best];
    verdict->rule = "LV5";
    say(verdict, "%s would hold %s%s at its peak instead of %s%s (%+d %%)", named(judge, best),
        judge->at_least, ash_lab_bytes(figures->peak), judge->at_least,
        ash_lab_bytes(judge->base->peak), percent(figures->peak, judge->base->peak));
    if (has_average(judge, best) && has_average(judge, in->base))
        go_on(verdict, " and %s%s instead of %s%s on average (%+d %%)", judge->at_least,
              ash_lab_bytes(figures->average), judge->at_least, ash_lab_bytes(judge->base->average),
              percent(figures->average, judge->base->average));
    say_ties(judge, best);
    size_t other = verdict->best_average;
    if (other != in->base && other != best &&
        ash_lab_is_less(in->figures[other].average, figures->average, spread_of(judge, other)))
        go_on(verdict, "; on average %s is best with %s%s", named(judge, other), judge->at_least,
              ash_lab_bytes(in->figures[other].average));
    go_on(verdict, ".");
}

/* LV4, or a base that nobody beats although it wastes. */
static void say_stay(const struct judge *judge)
{
    const struct ash_lab_verdict_input *in = judge->in;
    struct ash_lab_verdict *verdict = judge->verdict;
    const struct ash_lab_figures *base = judge->base;
    uint64_t waste = base->peak > base->live_peak ? base->peak - base->live_peak : 0;
    if (waste * 100 < base->peak * WASTE_PERCENT) {
        verdict->rule = "LV4";
        say(verdict,
            "Your program itself holds %s%s of the %s that are resident at the peak; no "
            "allocator here changes that.",
            judge->at_least, ash_lab_bytes(base->live_peak), ash_lab_bytes(base->peak));
        return;
    }
    verdict->rule = "LV5";
    if (verdict->best_average != in->base) {
        const struct ash_lab_figures *other = &in->figures[verdict->best_average];
        say(verdict,
            "No contender holds less than %s at the peak (%s%s); on average %s would "
            "hold %s instead of %s (%+d %%).",
            label(judge, in->base), judge->at_least, ash_lab_bytes(base->peak),
            named(judge, verdict->best_average), ash_lab_bytes(other->average),
            ash_lab_bytes(base->average), percent(other->average, base->average));
        return;
    }
    say(verdict,
        "Stay with %s: no contender holds less than its %s%s at the peak by more than "
        "noise.",
        label(judge, in->base), judge->at_least, ash_lab_bytes(base->peak));
}

/* LV6 */
static void say_waste(const struct judge *judge)
{
    const struct ash_lab_sample *at = &judge->base->at_peak;
    uint64_t rounding = at->rounding, kept = at->kept;
    uint64_t holes = at->holes + at->headers + at->meta, all = rounding + kept + holes;
    const char *base = label(judge, judge->in->base);
    if (all == 0)
        return;
    const char *of = ash_lab_bytes(all);
    if (kept >= holes && kept >= rounding)
        say(judge->verdict,
            "Most of what %s wastes at its peak is kept, not fragmented (%s of "
            "%s): try its settings for giving memory back before any switch.",
            base, ash_lab_bytes(kept), of);
    else if (holes >= rounding)
        say(judge->verdict,
            "Most of what %s wastes at its peak is holes, headers and metadata "
            "(%s of %s): %s.",
            base, ash_lab_bytes(holes), of,
            judge->in->survey->has_sites ? "the table of pins names the call sites that hold "
                                           "nearly empty pages"
                                         : "a trace with call stacks would name who holds nearly "
                                           "empty pages");
    else
        say(judge->verdict,
            "Most of what %s wastes at its peak is rounding (%s of %s): the table "
            "of sizes shows which would deserve a class.",
            base, ash_lab_bytes(rounding), of);
}

/* LV1 */
static void say_out(const struct judge *judge)
{
    const struct ash_lab_verdict_input *in = judge->in;
    unsigned n = 0;
    for (size_t i = 0; i < in->n; i++) {
        const struct ash_lab_result *result = &in->results[i];
        if (!in->figures[i].is_out)
            continue;
        if (n++ == 0)
            say(judge->verdict, "Out: ");
        else
            go_on(judge->verdict, ", ");
        if (result->fault.kind != ASH_LAB_FAULT_NONE)
            go_on(judge->verdict, "%s (at entry %llu)", label(judge, i),
                  (unsigned long long)result->fault.entry);
        else
            go_on(judge->verdict, "%s (%llu refused)", label(judge, i),
                  (unsigned long long)result->end.n_refused);
    }
    if (n)
        go_on(judge->verdict, ".");
}

static bool is_too_short(const struct ash_lab_survey *survey)
{
    return survey->count.n_births < BIRTHS_MIN || survey->live_max_bytes < LIVE_MIN;
}

void ash_lab_judge(const struct ash_lab_verdict_input *input, struct ash_lab_verdict *ret_verdict)
{
    const struct ash_lab_survey *survey = input->survey;
    struct ash_lab_verdict *verdict = ret_verdict;
    uint64_t lost = survey->n_dropped + survey->count.n_missed;
    bool is_partial = lost * 1000 > survey->count.n_entries * LOST_PERMILLE;
    struct judge judge = {
        .in = input, .verdict = verdict, .at_least = is_partial ? "at least " : ""};
    memset(verdict, 0, sizeof(*verdict));
    verdict->best = verdict->best_average = input->base;
    judge.base = &input->figures[input->base];
    if (is_too_short(survey)) {
        verdict->rule = "LV2";
        say(verdict,
            "Too short to judge: %llu births and %s live at most; 10000 and 1 MiB are "
            "wanted.",
            (unsigned long long)survey->count.n_births, ash_lab_bytes(survey->live_max_bytes));
        say_out(&judge);
        return;
    }
    if (judge.base->is_out) {
        verdict->rule = "LV1";
        say(verdict, "No verdict: %s, the base, did not come through.", label(&judge, input->base));
        say_out(&judge);
        return;
    }
    verdict->best = best_by_peak(&judge);
    verdict->best_average = best_by_average(&judge);
    if (verdict->best != input->base)
        say_best(&judge);
    else
        say_stay(&judge);
    say_waste(&judge);
    say_out(&judge);
}

size_t ash_lab_base(const struct ash_lab_result *results, size_t n, const char *wanted)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(results[i].contender->label, wanted ? wanted : "libc.so.6") == 0)
            return i;
    if (wanted)
        return n;
    for (size_t i = 0; i < n; i++)
        if (results[i].contender->strategy &&
            strcmp(results[i].contender->strategy->name, "ptmalloc2") == 0)
            return i;
    return 0;
}
