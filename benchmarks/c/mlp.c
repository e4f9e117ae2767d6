/* The 2-16-16-1 network with relu by hand: the summed squared error and its gradient. */
#include <string.h>

enum { IN = 2, WIDE = 16, PARAMETERS = IN * WIDE + WIDE + WIDE * WIDE + WIDE + WIDE + 1 };

/* p: each layer's weights row by row, then its biases. Writes PARAMETERS derivatives. */
double mlp(const double *p, const double *X, const double *y, double *gradient, long count)
{
    const double *w1 = p, *b1 = w1 + IN * WIDE, *w2 = b1 + WIDE, *b2 = w2 + WIDE * WIDE, *w3 = b2 + WIDE;
    double *g1 = gradient, *h1 = g1 + IN * WIDE, *g2 = h1 + WIDE, *h2 = g2 + WIDE * WIDE, *g3 = h2 + WIDE;
    double total = 0.0;
    memset(gradient, 0, PARAMETERS * sizeof(double));
    for (long k = 0; k < count; k++) {
        const double *x = X + IN * k;
        double a[WIDE], b[WIDE], da[WIDE] = {0}, out = w3[WIDE];
        for (int i = 0; i < WIDE; i++) {
            double sum = b1[i];
            for (int j = 0; j < IN; j++) sum += w1[i * IN + j] * x[j];
            a[i] = sum > 0.0 ? sum : 0.0;
        }
        for (int i = 0; i < WIDE; i++) {
            double sum = b2[i];
            for (int j = 0; j < WIDE; j++) sum += w2[i * WIDE + j] * a[j];
            b[i] = sum > 0.0 ? sum : 0.0;
        }
        for (int j = 0; j < WIDE; j++) out += w3[j] * b[j];
        double difference = out - y[k], d = 2.0 * difference;
        total += difference * difference;
        g3[WIDE] += d;
        for (int i = 0; i < WIDE; i++) {
            g3[i] += d * b[i];
            double db = b[i] > 0.0 ? d * w3[i] : 0.0;
            h2[i] += db;
            for (int j = 0; j < WIDE; j++) {
                g2[i * WIDE + j] += db * a[j];
                da[j] += db * w2[i * WIDE + j];
            }
        }
        for (int i = 0; i < WIDE; i++) {
            double d1 = a[i] > 0.0 ? da[i] : 0.0;
            h1[i] += d1;
            for (int j = 0; j < IN; j++) g1[i * IN + j] += d1 * x[j];
        }
    }
    return total;
}
