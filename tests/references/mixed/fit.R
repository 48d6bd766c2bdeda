# Mixed models by lme4 and lmerTest, for tests that never need R: fits.csv, sessionInfo.txt.
# Run in this folder: Rscript fit.R FOLDER   (some five minutes). Rows of sleepstudy, Penicillin (lme4), Exam (mlmRev),
# Oats (nlme) and InstEval (lme4) go to FOLDER, outside the repository: their licences are their own.
#
# lme4 stops when function values do not tell theta better; what is compared to 1e-6 must be better, so theta goes on by
# Newton steps on lme4's own deviance function (derivatives by Richardson extrapolation, numDeriv).
suppressPackageStartupMessages({library(lme4); library(lmerTest); library(mlmRev); library(numDeriv)})
folder <- commandArgs(trailingOnly = TRUE)[1]
data(Oats, package = "nlme")
own <- lapply(c(crossed = "crossed", nested = "nested", slopes = "slopes", singular = "singular"),
              function(name) read.csv(file.path("data", paste0(name, ".csv"))))
theirs <- list(
  sleepstudy = data.frame(y = sleepstudy$Reaction, x = sleepstudy$Days, g = as.character(sleepstudy$Subject)),
  exam = data.frame(y = Exam$normexam, x = Exam$standLRT, g = as.character(Exam$school)),
  penicillin = data.frame(y = Penicillin$diameter, plate = as.character(Penicillin$plate), sample = as.character(Penicillin$sample)),
  oats = data.frame(y = Oats$yield, nitro = Oats$nitro, block = as.character(Oats$Block), variety = as.character(Oats$Variety)),
  insteval = data.frame(y = as.numeric(as.character(InstEval$y)), s = as.character(InstEval$s), d = as.character(InstEval$d)))
for (name in names(theirs)) write.csv(theirs[[name]], file.path(folder, paste0(name, ".csv")), row.names = FALSE)
frames <- c(own, theirs)

models <- read.csv("models.csv", colClasses = "character")
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 1e-2, rhoend = 1e-10, maxfun = 1e5), calc.derivs = FALSE)

polish <- function(formula, d, reml) {
  environment(formula) <- environment()
  parts <- lFormula(formula, d, weights = ww, REML = reml, control = control)
  deviance <- do.call(mkLmerDevfun, parts)
  opt <- optimizeLmer(deviance, optimizer = "bobyqa", control = control$optCtrl)
  start <- theta <- opt$par
  free <- abs(theta) > 1e-4
  if (all(free)) for (k in 1:4) {
    step <- solve(hessian(deviance, theta), grad(deviance, theta))
    theta <- theta - step
    if (max(abs(step / theta)) < 1e-11) break
  }
  opt$par <- theta
  opt$fval <- deviance(theta)
  fit <- mkMerMod(environment(deviance), opt, parts$reTrms, fr = parts$fr)
  list(fit = fit, moved = max(abs(theta - start)))
}

rows <- list()
add <- function(...) rows[[length(rows) + 1]] <<- data.frame(...)
for (i in seq_len(nrow(models))) {
  m <- models[i, ]; d <- frames[[m$data]]; reml <- m$engine == "reml"
  formula <- as.formula(m$r)
  d$ww <- if (m$weights == "") 1 else d[[m$weights]]
  found <- polish(formula, d, reml); fit <- found$fit
  cat(sprintf("%-28s moved by %.1e\n", m$model, found$moved))
  put <- function(quantity, term, other, value) add(model = m$model, quantity = quantity, term = term, other = other, value = value)
  V <- as.matrix(vcov(fit)); terms <- names(fixef(fit))
  put("fixef", terms, "", fixef(fit)); put("se", terms, "", sqrt(diag(V)))
  v <- as.data.frame(VarCorr(fit)); v[is.na(v)] <- ""
  put(ifelse(v$var2 == "", "sd", "correlation"), v$grp, trimws(paste(v$var1, v$var2)), v$sdcor)
  put("criterion", "", "", if (reml) REMLcrit(fit) else -2 * as.numeric(logLik(fit)))
  modes <- ranef(fit, condVar = FALSE)
  for (g in names(modes)) { u <- head(modes[[g]], 5)
    for (k in names(u)) put("ranef", g, paste(rownames(u), k, sep = "|"), u[[k]]) }
  if (m$df == "yes") {
    environment(formula) <- environment()
    fit2 <- lmerTest::lmer(formula, d, weights = ww, REML = reml, control = control)
    put("df", terms, "", coef(summary(fit2))[, "df"])
  }
  if (m$profile == "yes") {
    fit3 <- lme4::lmer(formula, d, weights = ww, REML = FALSE, control = control)
    ci <- confint(fit3, oldNames = FALSE, quiet = TRUE, devtol = 1e-6)
    put("profile_lower", rownames(ci), "", ci[, 1]); put("profile_upper", rownames(ci), "", ci[, 2])
  }
  fits <- do.call(rbind, rows)
  fits$value <- sapply(fits$value, format, digits = 17)
  write.csv(fits, "fits.csv", row.names = FALSE)
}
writeLines(capture.output(sessionInfo()), "sessionInfo.txt")
