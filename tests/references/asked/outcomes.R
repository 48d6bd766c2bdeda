# What lme4's predict(), emmeans, broom.mixed and performance say of other outcomes, for tests that never need R: outcomes.csv.
# Run in this folder: Rscript outcomes.R (a minute). Rows are those of ../glmer/data; optima are polished as in ../glmer/fit.R.
#
# emmeans gets the covariance of coefficients from the second derivatives of lme4's deviance function (numDeriv), which is
# that of summary(): lme4's own differences are some 1e-4 off. lme4 1.1-31 has no standard errors of predictions with random
# effects: they are worked out with whole matrices, Laplace's (beta, u) given theta, beta's part being that covariance.
suppressPackageStartupMessages({library(lme4); library(emmeans); library(numDeriv); library(broom.mixed)})
control <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 1e-2, rhoend = 1e-9, maxfun = 1e5), tolPwrss = 1e-14, calc.derivs = FALSE)
rows <- list()
put <- function(model, question, key, estimate, se = NA, low = NA, high = NA, p = NA)
  rows[[length(rows) + 1]] <<- data.frame(model, question, key, estimate, se, low, high, p)

fitted_by <- function(formula, d, family, nAGQ) {
  fit <- glmer(formula, d, family, nAGQ = nAGQ, control = control)
  deviance <- update(fit, devFunOnly = TRUE)
  at <- c(getME(fit, "theta"), fixef(fit))
  V <- solve(hessian(deviance, at) / 2)
  p <- length(fixef(fit))
  list(fit = fit, V = V[seq(length(at) - p + 1, length(at)), seq(length(at) - p + 1, length(at))])
}
# (beta, u): b = mode + pull (beta - beta^), spread by the curvature in u; g is the link's derivative of the mean.
known_errors <- function(f, X, Z, slope) {
  fit <- f$fit; L <- as.matrix(t(getME(fit, "Lambdat"))); W <- weights(fit, "working")
  ZL <- as.matrix(getME(fit, "Z")) %*% L; H <- crossprod(ZL, W * ZL) + diag(ncol(ZL))
  pull <- -solve(H, crossprod(ZL, W * getME(fit, "X")))
  own <- Z %*% L; A <- X + own %*% pull
  slope * sqrt(rowSums((A %*% f$V) * A) + rowSums((own %*% solve(H)) * own))
}
of_rows <- function(model, f, d, at) {
  fit <- f$fit; X <- getME(fit, "X")[at, ]; Z <- as.matrix(getME(fit, "Z"))[at, ]; fam <- family(fit)
  link <- predict(fit, d[at, ], type = "link"); fixed <- predict(fit, d[at, ], type = "link", re.form = NA)
  put(model, "link known", at - 1, link, known_errors(f, X, Z, 1))
  put(model, "known", at - 1, predict(fit, d[at, ], type = "response"), known_errors(f, X, Z, fam$mu.eta(link)))
  put(model, "link none", at - 1, fixed, sqrt(rowSums((X %*% f$V) * X)))
  se <- sqrt(rowSums((X %*% f$V) * X))
  put(model, "none", at - 1, predict(fit, d[at, ], type = "response", re.form = NA), fam$mu.eta(fixed) * se,
      fam$linkinv(fixed - qnorm(0.975) * se), fam$linkinv(fixed + qnorm(0.975) * se))
}
# Averages over rows of differences of means (marginaleffects' avg_comparisons(re.form = NA)), delta method by numDeriv.
averaged <- function(model, question, key, f, g) {
  b <- fixef(f$fit); value <- g(b); J <- jacobian(g, b); se <- sqrt(as.numeric(J %*% f$V %*% t(J)))
  put(model, question, key, value, se, value - qnorm(0.975) * se, value + qnorm(0.975) * se, 2 * pnorm(-abs(value / se)))
}
tidied <- function(model, f) {
  t <- as.data.frame(tidy(f$fit, effects = c("fixed", "ran_pars"), conf.int = TRUE))
  for (i in seq_len(nrow(t))) put(model, "tidy", paste(t$effect[i], ifelse(is.na(t$group[i]), "", t$group[i]), t$term[i], sep = "/"), t$estimate[i])
  g <- as.data.frame(glance(f$fit)); for (name in names(g)) put(model, "glance", name, g[[name]])
  r <- performance::r2_nakagawa(f$fit); put(model, "r2", c("conditional", "marginal"), c(r$R2_conditional, r$R2_marginal))
}

## binary: quadrature with 25 nodes, a category
d <- read.csv("../glmer/data/binary.csv"); d$c <- factor(d$c); f <- fitted_by(y ~ x + c + (1 | g), d, binomial(), 25); fit <- f$fit
of_rows("binary", f, d, c(1, 100, 200)); tidied("binary", f)
s <- function(e) { t <- summary(e, infer = TRUE); names(t)[names(t) %in% c("asymp.LCL", "lower.CL")] <- "low"; names(t)[names(t) %in% c("asymp.UCL", "upper.CL")] <- "high"; t }
e <- s(emmeans(fit, ~ c, at = list(x = 1), vcov. = f$V, type = "response"))
put("binary", "mean of c at x = 1", as.character(e$c), e$prob, e$SE, e$low, e$high)
e <- s(pairs(regrid(emmeans(fit, ~ c, at = list(x = 1), vcov. = f$V)), adjust = "none", reverse = TRUE))
put("binary", "pairs of c at x = 1", as.character(e$contrast), e$estimate, e$SE, e$low, e$high, e$p.value)
e <- s(pairs(emmeans(fit, ~ c, vcov. = f$V), adjust = "none", reverse = TRUE))
put("binary", "link pairs of c", as.character(e$contrast), e$estimate, e$SE, e$low, e$high, e$p.value)
# emtrends(regrid = "response") says 0.10455, 0.11051, 0.07232 with its difference of a thousandth of the range: derivatives instead.
for (level in levels(d$c)) { l <- c(1, 1, level == "mid", level == "top")
  averaged("binary", "slope of x at x = 1", level, f, function(b) dlogis(sum(l * b)) * b[2]) }
X <- getME(fit, "X"); at <- function(name, value) { M <- X; M[, name] <- value; M }
averaged("binary", "average", "x +1", f, function(b) mean(plogis(at("x", X[, "x"] + 1) %*% b) - plogis(X %*% b)))
averaged("binary", "average", "slope of x", f, function(b) mean(dlogis(X %*% b) * b[2]))
none <- X; none[, 3:4] <- 0; top <- none; top[, 4] <- 1
averaged("binary", "average", "top - low", f, function(b) mean(plogis(top %*% b) - plogis(none %*% b)))
averaged("binary", "hypothesis", "c[top] - c[mid]", f, function(b) b[4] - b[3])

## trials
d <- read.csv("../glmer/data/trials.csv"); f <- fitted_by(cbind(y, n - y) ~ x + (1 | g), d, binomial(), 25); fit <- f$fit
of_rows("trials", f, d, c(1, 5, 9)); tidied("trials", f)
e <- s(emmeans(fit, ~ x, at = list(x = c(-1, 2)), vcov. = f$V, type = "response"))
put("trials", "mean at x", as.character(e$x), e$prob, e$SE, e$low, e$high)

## counts: two factors by Laplace, exposure
d <- read.csv("../glmer/data/counts.csv"); f <- fitted_by(y ~ x + offset(log(time)) + (1 | g) + (1 | h), d, poisson(), 1); fit <- f$fit
of_rows("counts_crossed", f, d, c(1, 50, 200)); tidied("counts_crossed", f)
X <- getME(fit, "X"); o <- log(d$time); up <- X; up[, 2] <- X[, 2] + 1
averaged("counts_crossed", "average", "x +1", f, function(b) mean(exp(up %*% b + o) - exp(X %*% b + o)))
averaged("counts_crossed", "average", "slope of x", f, function(b) mean(exp(X %*% b + o) * b[2]))
averaged("counts_crossed", "average", "mean", f, function(b) mean(exp(X %*% b + o)))

answers <- do.call(rbind, rows)
for (name in c("estimate", "se", "low", "high", "p")) answers[[name]] <- ifelse(is.na(answers[[name]]), "", sapply(answers[[name]], format, digits = 12))
write.csv(answers, "outcomes.csv", row.names = FALSE)
writeLines(capture.output(sessionInfo()), "outcomes_sessionInfo.txt")
