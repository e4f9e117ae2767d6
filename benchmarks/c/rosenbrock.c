/* Rosenbrock's function by hand: gradient, and Hessian as a full matrix. */
#include <string.h>

void rosenbrock_gradient(const double *x, double *g, long n)
{
    memset(g, 0, n * sizeof(double));
    for (long i = 0; i + 1 < n; i++) {
        double valley = x[i + 1] - x[i] * x[i];
        g[i] += -400.0 * valley * x[i] - 2.0 * (1.0 - x[i]);
        g[i + 1] += 200.0 * valley;
    }
}

void rosenbrock_hessian(const double *x, double *h, long n)
{
    memset(h, 0, n * n * sizeof(double));
    for (long i = 0; i + 1 < n; i++) {
        h[i * n + i] += 1200.0 * x[i] * x[i] - 400.0 * x[i + 1] + 2.0;
        h[(i + 1) * n + i + 1] += 200.0;
        h[i * n + i + 1] = h[(i + 1) * n + i] = -400.0 * x[i];
    }
}
