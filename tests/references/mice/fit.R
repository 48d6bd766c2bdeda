# Multiple imputation by mice, for tests that never need R.
# Run in this folder: Rscript fit.R   (two minutes; writes pooled.csv, rules.csv, sessionInfo.txt)
suppressMessages({library(mice); library(lme4)})
options(digits = 17)
m <- 300

# 1. A Gaussian two-level case: quarters within workplaces, 2l.pan ---------------------------------
d <- read.csv("data/panel.csv")
d$season <- factor(substr(d$quarter, 6, 6))
f <- model.matrix(~ industry * time + season + x * time, d)[, -1]
colnames(f) <- make.names(colnames(f))
wide <- data.frame(id = as.integer(d$id), f, y = d$y)
pred <- matrix(0, ncol(wide), ncol(wide), dimnames = list(names(wide), names(wide)))
pred["y", ] <- 1; pred["y", "id"] <- -2; pred["y", "y"] <- 0
meth <- setNames(rep("", ncol(wide)), names(wide)); meth["y"] <- "2l.pan"
imp <- mice(wide, m = m, maxit = 1, method = meth, predictorMatrix = pred, paniter = 500,
            seed = 20261125, printFlag = FALSE)

# What is wanted of every completed data set: level and change of each workplace, and their models.
sets <- lapply(seq_len(m), function(l) {
  y <- complete(imp, l)$y
  one <- d[!duplicated(d$id), c("id", "industry", "x")]
  one$level <- tapply(y, d$id, mean)[as.character(one$id)]
  one$change <- y[d$quarter == "2019Q4"] - y[d$quarter == "2016Q4"]
  do.call(rbind, lapply(c("level", "change"), function(outcome) {
    fit <- suppressMessages(lmer(as.formula(paste(outcome, "~ x + (1 | industry)")), one, REML = TRUE))
    data.frame(set = l, outcome = outcome, term = names(fixef(fit)), estimate = fixef(fit),
               se = sqrt(diag(as.matrix(vcov(fit)))), row.names = NULL)
  }))
})
sets <- do.call(rbind, sets)
n <- length(unique(d$id))
pooled <- do.call(rbind, lapply(split(sets, list(sets$outcome, sets$term), drop = TRUE), function(s) {
  p <- pool.scalar(s$estimate, s$se^2, n = n, k = 2)
  data.frame(outcome = s$outcome[1], term = s$term[1], m = p$m, estimate = p$qbar, ubar = p$ubar,
             b = p$b, t = p$t, df = p$df, riv = p$r, fmi = p$fmi)
}))
write.csv(pooled, "pooled.csv", row.names = FALSE)

# 2. Rubin's rules themselves: pool() of linear models on mice's own example, few sets, much missing
rules <- do.call(rbind, lapply(c(3, 5, 20), function(sets) {
  i <- mice(nhanes, m = sets, seed = sets, printFlag = FALSE)
  fits <- with(i, lm(chl ~ age + bmi))
  q <- t(sapply(fits$analyses, coef)); u <- t(sapply(fits$analyses, function(f) diag(vcov(f))))
  p <- pool(fits)$pooled
  do.call(rbind, lapply(seq_len(ncol(q)), function(k) data.frame(
    m = sets, term = as.character(p$term[k]), set = seq_len(sets), estimate = q[, k],
    variance = u[, k], dfcom = p$dfcom[k], pooled = p$estimate[k], ubar = p$ubar[k], b = p$b[k],
    t = p$t[k], df = p$df[k], riv = p$riv[k], lambda = p$lambda[k], fmi = p$fmi[k],
    row.names = NULL)))
}))
write.csv(rules, "rules.csv", row.names = FALSE)
writeLines(capture.output(sessionInfo()), "sessionInfo.txt")
