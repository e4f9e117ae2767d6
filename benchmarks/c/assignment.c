/* The assignment's graph by hand: forward pass and the textbook's derivatives, one function. */
#include <math.h>

/* w: nine weights. row: five features and the target. Writes nine derivatives, returns the loss. */
static inline double loss_and_gradient(const double *w, const double *row, double *g)
{
    const double *x = row;
    double u = w[0] * x[0] + w[1] * x[1];
    double q = w[3] * x[3] + w[4] * x[4];
    double e = exp(u * u + w[5]);
    double t = tanh(e + w[6]);
    double r = sin(w[2] * x[2]);
    double s = 1.0 / (1.0 + exp(-(r * q + w[7])));
    double difference = row[5] - (t + s * w[8]);
    double dy = -2.0 * difference;
    g[8] = dy * s;
    g[7] = dy * w[8] * s * (1.0 - s);
    g[6] = dy * (1.0 - t * t);
    g[5] = g[6] * e;
    double du = g[5] * 2.0 * u;
    g[0] = du * x[0];
    g[1] = du * x[1];
    g[2] = g[7] * q * cos(w[2] * x[2]) * x[2];
    g[3] = g[7] * r * x[3];
    g[4] = g[7] * r * x[4];
    return difference * difference;
}

/* Gradient descent, one row a step; changes the weights, writes the loss of each step. */
void scan(double *weights, const double *rows, double *losses, long count, double rate)
{
    double w[9], g[9];
    for (int i = 0; i < 9; i++) w[i] = weights[i];
    for (long k = 0; k < count; k++) {
        losses[k] = loss_and_gradient(w, rows + 6 * k, g);
        for (int i = 0; i < 9; i++) w[i] -= rate * g[i];
    }
    for (int i = 0; i < 9; i++) weights[i] = w[i];
}

/* The mean gradient over rows, at the same weights. */
void samples(const double *w, const double *rows, double *mean, long count)
{
    double g[9], total[9] = {0};
    for (long k = 0; k < count; k++) {
        loss_and_gradient(w, rows + 6 * k, g);
        for (int i = 0; i < 9; i++) total[i] += g[i];
    }
    for (int i = 0; i < 9; i++) mean[i] = total[i] / count;
}
