# Other outcomes by lme4 and ordinal, for tests that never need R: fits.csv, sessionInfo.txt.
# Run in this folder: Rscript fit.R FOLDER   (two minutes). Rows of cbpp, grouseticks (lme4), Contraception (mlmRev) and
# wine (ordinal) go to FOLDER, outside the repository: their licences are their own.
#
# Standard errors are of the second derivatives of lme4's own deviance function (Richardson extrapolation, numDeriv), and
# the optimum goes on by Newton steps on it. tolPwrss is 1e-14: modes are found to a share of the criterion otherwise, and
# the surface is ragged (grouseticks: the log likelihood 2e-5 off at the default, 5e-4 at 1e-12).
suppressPackageStartupMessages({library(lme4); library(mlmRev); library(ordinal); library(numDeriv)})
folder <- commandArgs(trailingOnly = TRUE)[1]
data(wine, package = "ordinal")
text <- function(d) { d[] <- lapply(d, function(v) if (is.factor(v)) as.character(v) else v); d }
own <- lapply(c(binary = "binary", trials = "trials", counts = "counts", nothing = "nothing"),
              function(name) read.csv(file.path("data", paste0(name, ".csv"))))
theirs <- list(
  contraception = with(Contraception, data.frame(use = as.integer(use == "Y"), age = age,
    livch = paste0("n", sub("+", "", livch, fixed = TRUE)), urban = as.integer(urban == "Y"), district = paste0("d", district))),
  cbpp = with(cbpp, data.frame(incidence, size, period = paste0("p", period), herd = paste0("h", herd))),
  grouseticks = with(grouseticks, data.frame(ticks = TICKS, year = paste0("y", YEAR), height = cHEIGHT,
    brood = paste0("b", BROOD), index = paste0("i", INDEX), location = paste0("l", LOCATION))),
  wine = with(wine, data.frame(rating = as.integer(as.character(rating)), temp = as.character(temp),
    contact = as.character(contact), judge = paste0("j", judge))))
for (name in names(theirs)) write.csv(text(theirs[[name]]), file.path(folder, paste0(name, ".csv")), row.names = FALSE)
frames <- c(own, theirs)
models <- read.csv("models.csv", colClasses = c(nAGQ = "integer"))
control <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 1e-2, rhoend = 1e-9, maxfun = 1e5),
                        tolPwrss = 1e-14, calc.derivs = FALSE)
rows <- list()
add <- function(...) rows[[length(rows) + 1]] <<- data.frame(...)
for (i in seq_len(nrow(models))) {
  m <- models[i, ]; d <- frames[[m$data]]
  family <- if (m$family == "poisson") poisson() else binomial()
  put <- function(quantity, term, other, value) add(model = m$model, quantity = quantity, term = term, other = other, value = value)
  fit <- glmer(as.formula(m$r), d, family, nAGQ = m$nAGQ, control = control)
  deviance <- update(fit, devFunOnly = TRUE)
  theta <- getME(fit, "theta"); at <- c(theta, fixef(fit)); start <- at; here <- deviance(at)
  if (all(abs(theta) > 1e-4)) for (k in 1:3) {
    step <- tryCatch(solve(hessian(deviance, at), grad(deviance, at)), error = function(e) 0 * at)
    if (max(abs(step)) > 1e-2) break
    at <- at - step
  }
  if (deviance(at) > here + 1e-9) at <- start
  free <- if (all(abs(theta) > 1e-4)) seq_along(at) else seq_along(at)[-seq_along(theta)]
  V <- solve(hessian(function(v) { w <- at; w[free] <- v; deviance(w) }, at[free]) / 2)
  own <- tail(seq_along(free), length(fixef(fit)))
  cat(sprintf("%-24s moved by %.1e\n", m$model, max(abs(at - start))))
  put("fixef", names(fixef(fit)), "", tail(at, length(fixef(fit)))); put("se", names(fixef(fit)), "", sqrt(diag(V))[own])
  put("theta", seq_along(theta), "", at[seq_along(theta)])
  v <- as.data.frame(VarCorr(fit)); v[is.na(v)] <- ""
  put(ifelse(v$var2 == "", "sd", "correlation"), v$grp, trimws(paste(v$var1, v$var2)), v$sdcor)
  put("deviance", "", "", deviance(at))
  put("logLik", "", "", as.numeric(logLik(fit))); put("AIC", "", "", AIC(fit)); put("BIC", "", "", BIC(fit))
  modes <- ranef(fit, condVar = TRUE)
  for (g in names(modes)) { u <- head(modes[[g]], 4)
    for (k in names(u)) put("ranef", g, paste(rownames(u), k, sep = "|"), u[[k]])
    spread <- attr(modes[[g]], "postVar")
    if (is.array(spread)) put("condsd", g, paste(head(rownames(modes[[g]]), 4), names(u)[1], sep = "|"), sqrt(spread[1, 1, seq_len(min(4, nrow(modes[[g]])))]))
  }
}
d <- theirs$wine; d$rating <- ordered(d$rating)
fit <- clmm(rating ~ temp + contact + (1 | judge), d, nAGQ = 25)
add(model = "wine", quantity = "fixef", term = names(coef(fit)), other = "", value = coef(fit))
add(model = "wine", quantity = "se", term = names(coef(fit)), other = "", value = sqrt(diag(vcov(fit)))[names(coef(fit))])
add(model = "wine", quantity = "sd", term = "judge", other = "(Intercept)", value = fit$ST$judge[1, 1])
add(model = "wine", quantity = "logLik", term = "", other = "", value = as.numeric(logLik(fit)))
fits <- do.call(rbind, rows)
fits$value <- sapply(fits$value, format, digits = 12)
write.csv(fits, "fits.csv", row.names = FALSE)
writeLines(capture.output(sessionInfo()), "sessionInfo.txt")
