/* A damped oscillator by hand: Euler's steps, kept, and the adjoints of the steps in reverse. */
#include <math.h>

/* p: stiffness and damping. states: room for two numbers a step. Writes two derivatives, returns the loss. */
double oscillator(const double *p, double *gradient, double *states, long steps, double h)
{
    double x = 1.0, v = 0.0, loss = 0.0;
    for (long k = 0; k < steps; k++) {
        states[2 * k] = x;
        states[2 * k + 1] = v;
        double next = x + h * v;
        v = v + h * (-p[0] * x - p[1] * v - 0.1 * sin(x));
        x = next;
        loss = loss + h * x * x;
    }
    double ax = 0.0, av = 0.0, g0 = 0.0, g1 = 0.0;
    for (long k = steps - 1; k >= 0; k--) {
        ax = ax + 2.0 * h * x;
        x = states[2 * k];
        v = states[2 * k + 1];
        g0 = g0 - av * h * x;
        g1 = g1 - av * h * v;
        double before = ax - av * h * (p[0] + 0.1 * cos(x));
        av = ax * h + av * (1.0 - h * p[1]);
        ax = before;
    }
    gradient[0] = g0;
    gradient[1] = g1;
    return loss;
}
