# Completed data sets by mice and what its pool makes of them, for tests that never need R.
# Run in this folder: Rscript fit.R   (20 seconds; writes sets.csv, pooled.csv, sessionInfo.txt)
# The data are made here: nobody's.
suppressMessages({library(mice); library(lme4); library(broom.mixed)})
options(digits = 17)
set.seed(20261130)
J <- 16; n <- 10
d <- data.frame(g = rep(seq_len(J), each = n))
d$z <- rnorm(J * n)
d$x <- 0.5 * d$z + rnorm(J)[d$g] + rnorm(J * n)
d$y <- 1 + 0.5 * d$x - 0.3 * d$z + rnorm(J)[d$g] + 0.3 * rnorm(J)[d$g] * d$x + rnorm(J * n)
d$b <- as.integer(runif(J * n) < plogis(-0.3 + 0.8 * d$x + 0.7 * rnorm(J)[d$g]))
d$x[runif(J * n) < plogis(-1.2 + d$z)] <- NA
d$y[runif(J * n) < 0.15] <- NA
pred <- make.predictorMatrix(d); pred[, "g"] <- -2; pred["g", ] <- 0
meth <- c(g = "", z = "", x = "2l.pan", y = "2l.pan", b = "")
imp <- mice(d, m = 5, maxit = 5, method = meth, predictorMatrix = pred, seed = 1, printFlag = FALSE)
long <- complete(imp, "long", include = TRUE)
long <- long[order(long$.imp, long$.id), c(".imp", ".id", "g", "z", "x", "y", "b")]
write.csv(long, "sets.csv", row.names = FALSE, na = "")

# The optimum as near as it can be had: what is compared is pooling, not where a search stops.
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e5))
models <- list(
  intercept = with(imp, lmer(y ~ x + z + (1 | g), control = tight)),
  ml = with(imp, lmer(y ~ x + z + (1 | g), control = tight, REML = FALSE)),
  slope = with(imp, lmer(y ~ x + z + (1 + x | g), control = tight)),
  ols = with(imp, lm(y ~ x + z)),
  bernoulli = with(imp, glmer(b ~ x + (1 | g), family = binomial, nAGQ = 25,
    control = glmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5))))
)
pooled <- do.call(rbind, lapply(names(models), function(name) {
  p <- pool(models[[name]])
  s <- summary(p, conf.int = TRUE)
  out <- p$pooled
  low <- s[match(out$term, s$term), ]
  data.frame(model = name, term = as.character(out$term), m = out$m, estimate = out$estimate,
             ubar = out$ubar, b = out$b, t = out$t, dfcom = out$dfcom, df = out$df, riv = out$riv,
             lambda = out$lambda, fmi = out$fmi, low = low[["2.5 %"]], high = low[["97.5 %"]],
             p.value = low$p.value)
}))
write.csv(pooled, "pooled.csv", row.names = FALSE)
writeLines(capture.output(sessionInfo()), "sessionInfo.txt")
