# lme4's REML fit of y ~ x1 + ... + (1 | g) for every data set: fits.csv, sessionInfo.txt.
#
#   Rscript make_data.R && Rscript fit.R
#
# lme4 finds theta by function values alone, which leaves about sqrt(machine epsilon) of error in
# theta. The references must be better than what they test, so theta is polished: the zero of the
# derivative (central differences, two Richardson steps) of lme4's own deviance function; everything
# else is then read from lme4's own fit at that theta. A fit with theta = 0 is left as it is.

suppressPackageStartupMessages(library(lme4))

tight <- lmerControl(
  optimizer = "bobyqa", optCtrl = list(rhobeg = 1e-2, rhoend = 1e-12, maxfun = 1e5), calc.derivs = FALSE,
  check.nobs.vs.nlev = "ignore", check.scaleX = "ignore"
)

slope <- function(f, x, h) {
  d <- sapply(h / 2^(0:2), function(s) (f(x + s) - f(x - s)) / (2 * s))
  d <- (4 * d[-1] - d[-3]) / 3
  (16 * d[2] - d[1]) / 15
}

# Returns the polished fit and how far theta moved, relatively.
fit_exactly <- function(formula, data) {
  parts <- lFormula(formula, data, REML = TRUE, control = tight)
  deviance <- do.call(mkLmerDevfun, parts)
  opt <- optimizeLmer(deviance, optimizer = "bobyqa", control = tight$optCtrl)
  start <- theta <- opt$par
  if (theta > 1e-4) {
    h <- 0.02 * theta
    theta <- uniroot(function(t) slope(deviance, t, h), start * c(0.999, 1.001), extendInt = "upX", tol = 1e-14)$root
  }
  opt$par <- theta
  opt$fval <- deviance(theta)
  list(fit = mkMerMod(environment(deviance), opt, parts$reTrms, fr = parts$fr), moved = abs(theta / start - 1))
}

# A predictor far from zero is fitted as x - 1e6 (an exact shift) and carried back, because lme4
# squares X and is off by 1e-4 at 1e6 +- 1: (b0, b1) = M (c0, c1) with M = [1, -1e6; 0, 1].
shift_of <- function(data) {
  xs <- grep("^x", names(data), value = TRUE)
  sapply(xs, function(x) if (abs(mean(data[[x]])) > 1e4 * sd(data[[x]])) round(mean(data[[x]])) else 0)
}

rows <- list()
add <- function(...) rows[[length(rows) + 1]] <<- data.frame(...)

for (path in sort(list.files("data", full.names = TRUE))) {
  name <- sub("\\.csv$", "", basename(path))
  data <- read.csv(path)
  xs <- grep("^x", names(data), value = TRUE)
  shift <- shift_of(data)
  for (x in xs) data[[x]] <- data[[x]] - shift[[x]]
  formula <- as.formula(paste("y ~", paste(c("1", xs, "(1 | g)"), collapse = " + ")))
  polished <- fit_exactly(formula, data)
  fit <- polished$fit
  cat(sprintf("%-18s theta %.15g, moved by %.1e\n", name, getME(fit, "theta"), polished$moved))

  M <- diag(1 + length(xs))
  if (length(xs)) M[1, -1] <- -unlist(shift)
  terms <- names(fixef(fit))
  beta <- drop(M %*% fixef(fit))
  V <- M %*% as.matrix(vcov(fit)) %*% t(M)
  se <- sqrt(diag(V))
  add(data = name, quantity = "fixef", term = terms, other = "", value = beta)
  add(data = name, quantity = "se", term = terms, other = "", value = se)
  add(data = name, quantity = "t", term = terms, other = "", value = beta / se)
  add(data = name, quantity = "lower", term = terms, other = "", value = beta - qnorm(0.975) * se)
  add(data = name, quantity = "upper", term = terms, other = "", value = beta + qnorm(0.975) * se)
  add(data = name, quantity = "vcov", term = rep(terms, length(terms)), other = rep(terms, each = length(terms)), value = c(V))
  spread <- as.data.frame(VarCorr(fit))$sdcor
  add(data = name, quantity = c("sd_group", "sd_resid", "theta", "reml"), term = "", other = "",
      value = c(spread, getME(fit, "theta"), REMLcrit(fit)))
  u <- head(ranef(fit)$g, 20)
  add(data = name, quantity = "ranef", term = "(Intercept)", other = rownames(u), value = u[[1]])
}

fits <- do.call(rbind, rows)
fits$value <- sapply(fits$value, format, digits = 17)
write.csv(fits, "fits.csv", row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), "sessionInfo.txt")
