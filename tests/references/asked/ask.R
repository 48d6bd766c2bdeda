# What emmeans, lmerTest and lme4's predict() say of three fits, for tests that never need R: answers.csv, sessionInfo.txt.
# Run in this folder: Rscript ask.R. Rows are those of ../mixed/data; theta is polished as in ../mixed/fit.R.
#
# lme4 1.1-31 has no standard errors of predictions: they are worked out from Henderson's equations, whole matrices.
source("shared.R")

## slopes
d <- read.csv("../mixed/data/slopes.csv"); fit <- fitted_by(y ~ x + (1 + x | g), d)
new <- data.frame(x = c(-1, 0, 2.5), g = c("g00", "g04", "g17"))
X <- cbind(1, new$x)
put("slopes", "predict known", 0:2, predict(fit, new), errors(fit, X, z_matrix(fit, new, list(X))))
put("slopes", "predict none", 0:2, predict(fit, new, re.form = NA), fixed_errors(fit, X))
V <- VarCorr(fit)$g
put("slopes", "predict new", 0:2, predict(fit, new, re.form = NA), sqrt(fixed_errors(fit, X)^2 + rowSums((X %*% V) * X)))
put("slopes", "outcome new", 0:2, predict(fit, new, re.form = NA), sqrt(fixed_errors(fit, X)^2 + rowSums((X %*% V) * X) + sigma(fit)^2))
e <- summary(emtrends(fit, ~1, var = "x"), infer = c(FALSE, TRUE))
put("slopes", "slope", "x", e$x.trend, e$SE, e$df, e$p.value)

## crossed: interaction of a number and a category
d <- read.csv("../mixed/data/crossed.csv"); d$c <- factor(d$c); fit <- fitted_by(y ~ x * c + z + (1 | a) + (1 | b), d)
e <- summary(emmeans(fit, ~ c, at = list(x = 1, z = 0.5)))
put("crossed", "mean of c at x = 1, z = 0.5", as.character(e$c), e$emmean, e$SE)
e <- summary(pairs(emmeans(fit, ~ c, at = list(x = 1, z = 0.5)), adjust = "none", reverse = TRUE))
put("crossed", "pairs of c at x = 1, z = 0.5", as.character(e$contrast), e$estimate, e$SE, e$df, e$p.value)
e <- summary(emtrends(fit, ~ c, var = "x"), infer = c(FALSE, TRUE))
put("crossed", "slope of x by c", as.character(e$c), e$x.trend, e$SE, e$df, e$p.value)
averaged <- function(at) { n <- d; n$c <- factor(at, levels(d$c)); colMeans(matrix_of(fit, n)) }
for (level in c("mid", "top")) {
  L <- averaged(level) - averaged("low")
  k <- lmerTest::contest1D(fit, L)
  put("crossed", "average comparison of c", paste(level, "- low"), k$Estimate, k$`Std. Error`, k$df, k$`Pr(>|t|)`)
}
L <- c(0, 1, 0, 0, -1, 0, 0); names(L) <- names(fixef(fit)); k <- lmerTest::contest1D(fit, L)
put("crossed", "x - z", "x - z", k$Estimate, k$`Std. Error`, k$df, k$`Pr(>|t|)`)
new <- d[c(1, 50, 200), ]; X <- matrix_of(fit, new); one <- matrix(1, 3, 1)
put("crossed", "predict known", 0:2, predict(fit, new), errors(fit, X, z_matrix(fit, new, list(one, one))))
put("crossed", "predict a known, b none", 0:2, predict(fit, new, re.form = ~ (1 | a)))

## terms with a state
d <- read.csv("../mixed/data/crossed.csv"); fit <- fitted_by(y ~ poly(x, 2) + scale(z) + (1 + x | a) + (1 | b), d)
new <- data.frame(x = c(-1, 1, 4), z = c(0, 0.3, -0.5), a = c("a02", "a09", "a02"), b = c("b0", "b4", "b4"))
P <- predict(poly(d$x, 2), new$x); X <- cbind(1, P, (new$z - mean(d$z)) / sd(d$z))
names_of <- names(getME(fit, "cnms")); left <- lapply(names_of, function(n) if (n == "a") cbind(1, new$x) else matrix(1, 3, 1))
put("three_terms", "predict known", 0:2, as.numeric(X %*% fixef(fit) + z_matrix(fit, new, left) %*% as.matrix(getME(fit, "b"))), errors(fit, X, z_matrix(fit, new, left)))
put("three_terms", "predict none", 0:2, as.numeric(X %*% fixef(fit)), fixed_errors(fit, X))
D <- t(sapply(new$x, function(v) jacobian(function(u) predict(poly(d$x, 2), u), v))); D <- cbind(0, D, 0)
put("three_terms", "slope of x", 0:2, as.numeric(D %*% fixef(fit)), fixed_errors(fit, D))

## nested, a random intercept
d <- read.csv("../mixed/data/nested.csv"); fit <- fitted_by(y ~ x + (1 | g), d)
new <- data.frame(x = c(-1, 2), g = c("g1", "g2")); X <- cbind(1, new$x)
put("intercept", "predict known", 0:1, predict(fit, new), errors(fit, X, z_matrix(fit, new, list(matrix(1, 2, 1)))))
put("intercept", "predict new", 0:1, predict(fit, new, re.form = NA), sqrt(fixed_errors(fit, X)^2 + as.numeric(VarCorr(fit)$g)))
k <- lmerTest::contest1D(fit, c(0, 2)); put("intercept", "2 * x", "x", k$Estimate, k$`Std. Error`, k$df, k$`Pr(>|t|)`)

## broom.mixed and performance
suppressPackageStartupMessages(library(broom.mixed))
tidied <- function(model, fit) {
  t <- as.data.frame(tidy(fit, effects = c("fixed", "ran_pars"), conf.int = TRUE))
  for (i in seq_len(nrow(t))) {
    key <- paste(t$effect[i], ifelse(is.na(t$group[i]), "", t$group[i]), t$term[i], sep = "/")
    put(model, "tidy", key, t$estimate[i], t$std.error[i], t$df[i], t$p.value[i])
    if (t$effect[i] == "fixed") { put(model, "conf.low", key, t$conf.low[i]); put(model, "conf.high", key, t$conf.high[i]) }
  }
  g <- as.data.frame(glance(fit)); for (name in names(g)) put(model, "glance", name, g[[name]])
  a <- as.data.frame(augment(fit))[1:3, c(".fitted", ".resid", ".fixed")]
  for (name in names(a)) put(model, "augment", paste(name, 0:2), a[[name]])
  r <- performance::r2_nakagawa(fit); put(model, "r2", c("conditional", "marginal"), c(r$R2_conditional, r$R2_marginal))
}
d <- read.csv("../mixed/data/slopes.csv"); tidied("slopes", fitted_by(y ~ x + (1 + x | g), d))
d <- read.csv("../mixed/data/crossed.csv"); d$c <- factor(d$c); tidied("crossed", fitted_by(y ~ x * c + z + (1 | a) + (1 | b), d))
d <- read.csv("../mixed/data/nested.csv"); tidied("intercept", fitted_by(y ~ x + (1 | g), d))
ml <- lmerTest::lmer(y ~ x + (1 | g), d, REML = FALSE, control = control); tidied("intercept_ml", ml)

write_answers("answers.csv")
writeLines(capture.output(sessionInfo()), "sessionInfo.txt")
