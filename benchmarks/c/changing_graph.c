/* The scalar graph of "Fastest Autograd in the West" on a flat tape: one loop with a switch each way. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum kind { SOFTPLUS, SUM, PRODUCT, SOFTMAX };

struct operation {
    enum kind kind;
    int out;   /* the (first) node it makes */
    int in[4]; /* the nodes it takes */
};

/* The tape of so many operations on so many variables; returns how many nodes there are in all. */
static int build(struct operation *tape, int variables, int operations)
{
    int n = variables;
    for (int k = 0; k < operations; k++) {
        struct operation *at = tape + k;
        at->kind = k % 4;
        at->out = n;
        switch (at->kind) {
        case SOFTPLUS:
            at->in[0] = n - 10;
            n += 1;
            break;
        case SUM:
            for (int i = 0; i < 4; i++) at->in[i] = n - 30 + 5 * i;
            n += 1;
            break;
        case PRODUCT:
            at->in[0] = n - 20;
            at->in[1] = n - 10;
            n += 1;
            break;
        case SOFTMAX:
            for (int i = 0; i < 4; i++) at->in[i] = n - 4 + i;
            n += 4;
            break;
        }
    }
    return n;
}

static void forward(const struct operation *tape, int operations, double *v)
{
    for (const struct operation *at = tape; at < tape + operations; at++) {
        const int *in = at->in;
        double *out = v + at->out;
        switch (at->kind) {
        case SOFTPLUS:
            out[0] = log1p(exp(-fabs(v[in[0]]))) + (v[in[0]] > 0.0 ? v[in[0]] : 0.0);
            break;
        case SUM:
            out[0] = v[in[0]] + v[in[1]] + v[in[2]] + v[in[3]];
            break;
        case PRODUCT:
            out[0] = v[in[0]] * v[in[1]];
            break;
        case SOFTMAX: {
            double total = 0.0;
            for (int i = 0; i < 4; i++) total += out[i] = exp(v[in[i]]);
            for (int i = 0; i < 4; i++) out[i] /= total;
            break;
        }
        }
    }
}

static void reverse(const struct operation *tape, int operations, const double *v, double *g)
{
    for (const struct operation *at = tape + operations - 1; at >= tape; at--) {
        const int *in = at->in;
        const double *out = v + at->out, *received = g + at->out;
        switch (at->kind) {
        case SOFTPLUS:
            g[in[0]] += received[0] / (1.0 + exp(-v[in[0]]));
            break;
        case SUM:
            for (int i = 0; i < 4; i++) g[in[i]] += received[0];
            break;
        case PRODUCT:
            g[in[0]] += received[0] * v[in[1]];
            g[in[1]] += received[0] * v[in[0]];
            break;
        case SOFTMAX: {
            double mean = 0.0;
            for (int i = 0; i < 4; i++) mean += received[i] * out[i];
            for (int i = 0; i < 4; i++) g[in[i]] += out[i] * (received[i] - mean);
            break;
        }
        }
    }
}

/* Value and gradient of the last node, computed so many times over; the tape is built once. */
double changing_graph(const double *variables, double *gradient, long count, long operations, long runs)
{
    struct operation *tape = malloc(operations * sizeof *tape);
    int nodes = build(tape, count, operations);
    double *v = malloc(nodes * sizeof *v), *g = malloc(nodes * sizeof *g);
    for (long run = 0; run < runs; run++) {
        memcpy(v, variables, count * sizeof *v);
        memset(g, 0, nodes * sizeof *g);
        g[nodes - 1] = 1.0;
        forward(tape, operations, v);
        reverse(tape, operations, v, g);
    }
    double value = v[nodes - 1];
    memcpy(gradient, g, count * sizeof *g);
    free(tape);
    free(v);
    free(g);
    return value;
}
